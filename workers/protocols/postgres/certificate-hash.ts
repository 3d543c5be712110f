import { createHash } from 'node:crypto'

/** Hash functions by the object identifier of the signature algorithms that use them, hex of its DER. */
const bySignature: { readonly [oid: string]: string } = {
  // RFC 5929 4.1: MD5 and SHA-1 become SHA-256
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a864886f70d01010e': 'sha224',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha256',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

/** Hash functions by their own object identifier: RSASSA-PSS names one in its parameters. */
const byHash: { readonly [oid: string]: string } = {
  '2b0e03021a': 'sha256',
  '608648016503040204': 'sha224',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
}

const pss = '2a864886f70d01010a'

/**
 * The channel binding data of type tls-server-end-point: the hash of a certificate with the function of its signature.
 * null: that signature has none of its own (Ed25519), so there is nothing to bind to.
 * @param der the server's certificate
 * @see RFC 5929 section 4
 */
export function certificateHash(der: Uint8Array): Buffer | null {
  const certificate = element(der, 0)
  const signed = certificate === null ? null : element(certificate.body, 0)
  const algorithm = certificate === null || signed === null ? null : element(certificate.body, signed.end)
  const oid = algorithm === null ? null : element(algorithm.body, 0)
  if (algorithm === null || oid === null) return null
  const name = hex(oid.body)
  const hash = name === pss ? pssHash(algorithm.body.subarray(oid.end)) : known(bySignature, name)
  return hash === null ? null : createHash(hash).update(der).digest()
}

/** RSASSA-PSS-params: `[0]` holds the AlgorithmIdentifier of the hash; SHA-1 where it is left out. */
function pssHash(parameters: Uint8Array): string | null {
  const tagged = element(element(parameters, 0)?.body ?? parameters, 0)
  if (tagged === null || tagged.tag !== 0xa0) return 'sha256'
  const oid = element(element(tagged.body, 0)?.body ?? new Uint8Array(), 0)
  return oid === null ? null : known(byHash, hex(oid.body))
}

interface Element {
  readonly tag: number
  readonly body: Uint8Array
  /** Where the next one begins. */
  readonly end: number
}

/** One DER element; null when the bytes end inside it. */
function element(bytes: Uint8Array, at: number): Element | null {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return null
  const more = first < 0x80 ? 0 : first - 0x80
  if (more > 4) return null
  let length = more === 0 ? first : 0
  for (let index = 0; index < more; index += 1) length = length * 256 + (bytes[at + 2 + index] ?? 0)
  const start = at + 2 + more
  if (start + length > bytes.length) return null
  return { tag, body: bytes.subarray(start, start + length), end: start + length }
}

function known(table: { readonly [oid: string]: string }, oid: string): string | null {
  return Object.hasOwn(table, oid) ? (table[oid] ?? null) : null
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
