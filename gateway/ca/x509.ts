import forge from 'node-forge'

const { asn1 } = forge
const { Class, Type } = asn1

/** What goes into a certificate besides its signature. */
export interface CertificateParts {
  /** Positive, big-endian. */
  readonly serial: Uint8Array
  /** Common names; null: an empty name. */
  readonly issuer: string
  readonly subject: string | null
  readonly notBefore: Date
  readonly notAfter: Date
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer
  readonly extensions: readonly forge.asn1.Asn1[]
}

/**
 * Makes a certificate signed with ECDSA and SHA-256.
 * @param sign DER-encoded ECDSA signature over the bytes
 * @returns PEM
 * @see RFC 5280 section 4.1
 */
export function makeCertificate(parts: CertificateParts, sign: (bytes: Buffer) => Buffer): string {
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(parts.serial),
    ecdsaWithSha256(),
    nameOf(parts.issuer),
    sequence(time(parts.notBefore), time(parts.notAfter)),
    nameOf(parts.subject),
    asn1.fromDer(binary(parts.publicKey)),
    explicit(3, sequence(...parts.extensions)),
  )
  const signature = sign(der(body))
  return pem('CERTIFICATE', der(sequence(body, ecdsaWithSha256(), bitString(signature))))
}

/** Basic constraints: whether it may sign others (then: only leaves). Critical. */
export function basicConstraints(isAuthority: boolean): forge.asn1.Asn1 {
  const content = isAuthority ? [primitive(Type.BOOLEAN, '\xff'), integer(Uint8Array.of(0))] : []
  return extension('2.5.29.19', true, sequence(...content))
}

/** Key usage. Critical. */
export function keyUsage(use: 'authority' | 'server'): forge.asn1.Asn1 {
  // authority: digitalSignature, keyCertSign, cRLSign; server: digitalSignature
  const bits = use === 'authority' ? '\x01\x86' : '\x07\x80'
  return extension('2.5.29.15', true, primitive(Type.BITSTRING, bits))
}

/** Extended key usage: a TLS server. */
export function serverAuth(): forge.asn1.Asn1 {
  return extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1')))
}

/** Subject key identifier. */
export function subjectKeyId(id: Buffer): forge.asn1.Asn1 {
  return extension('2.5.29.14', false, primitive(Type.OCTETSTRING, binary(id)))
}

/** Authority key identifier. */
export function authorityKeyId(id: Buffer): forge.asn1.Asn1 {
  return extension('2.5.29.35', false, sequence(context(0, id)))
}

/** The one name a server certificate is for. @param isCritical as it must be when the subject is empty */
export function alternativeName(
  name: { readonly dns: string } | { readonly ip: Uint8Array },
  isCritical: boolean,
): forge.asn1.Asn1 {
  const entry = 'dns' in name ? context(2, Buffer.from(name.dns, 'latin1')) : context(7, name.ip)
  return extension('2.5.29.17', isCritical, sequence(entry))
}

function extension(id: string, isCritical: boolean, content: forge.asn1.Asn1): forge.asn1.Asn1 {
  const critical = isCritical ? [primitive(Type.BOOLEAN, '\xff')] : []
  return sequence(oid(id), ...critical, primitive(Type.OCTETSTRING, asn1.toDer(content).getBytes()))
}

function nameOf(commonName: string | null): forge.asn1.Asn1 {
  if (commonName === null) return sequence()
  const text = primitive(Type.UTF8, Buffer.from(commonName).toString('latin1'))
  return sequence(asn1.create(Class.UNIVERSAL, Type.SET, true, [sequence(oid('2.5.4.3'), text)]))
}

/** From 2050 on a year has four digits. @see RFC 5280 section 4.1.2.5 */
function time(date: Date): forge.asn1.Asn1 {
  const digits = `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, digits.slice(2))
    : primitive(Type.GENERALIZEDTIME, digits)
}

function ecdsaWithSha256(): forge.asn1.Asn1 {
  return sequence(oid('1.2.840.10045.4.3.2'))
}

function sequence(...items: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items)
}

function explicit(tag: number, item: forge.asn1.Asn1): forge.asn1.Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [item])
}

function context(tag: number, bytes: Uint8Array): forge.asn1.Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes))
}

function oid(id: string): forge.asn1.Asn1 {
  return primitive(Type.OID, asn1.oidToDer(id).getBytes())
}

function integer(bytes: Uint8Array): forge.asn1.Asn1 {
  return primitive(Type.INTEGER, binary(bytes))
}

function bitString(bytes: Uint8Array): forge.asn1.Asn1 {
  return primitive(Type.BITSTRING, `\0${binary(bytes)}`)
}

function primitive(type: forge.asn1.Type, value: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, type, false, value)
}

function der(item: forge.asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(item).getBytes(), 'latin1')
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
