import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Certificate } from '../../workers/contract/messages.ts'
import type { LeafParts, Root } from './root.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Life of a leaf, and how long before its end it is made anew. */
const lifeMs = 30 * dayMs
const marginMs = dayMs
/** Longest common name. @see RFC 5280 appendix A.1, ub-common-name */
const longestCommonName = 64

/** Makes server certificates for the names agents ask for, and keeps them until they are to be renewed. */
export class LeafMint {
  readonly #root: Root
  readonly #now: () => number
  readonly #most: number
  readonly #publicKey: KeyObject
  readonly #keyPem: string
  /** In the order of last use. */
  readonly #kept = new Map<string, Kept>()
  #minted = 0

  /** @param options.most certificates kept; agents choose names, so there must be an end */
  constructor(root: Root, options: { readonly now?: () => number; readonly most?: number } = {}) {
    this.#root = root
    this.#now = options.now ?? Date.now
    this.#most = options.most ?? 4096
    // one key for all: it lives as long as this process and never leaves this host
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#publicKey = publicKey
    this.#keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }

  /**
   * A certificate for a DNS name or an IP address, good for at least a day.
   * @throws ClawError CP_TLS when it is neither
   */
  async certificate(serverName: string): Promise<Certificate> {
    const name = canonicalName(serverName)
    const kept = this.#kept.get(name)
    if (kept !== undefined) {
      this.#kept.delete(name)
      if (this.#isFresh(kept)) {
        this.#kept.set(name, kept)
        return kept.certificate
      }
    }
    const made = this.#mint(name)
    this.#kept.set(name, made)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#most && oldest !== undefined) this.#kept.delete(oldest)
    return made.certificate
  }

  stats(): { readonly kept: number; readonly minted: number } {
    return { kept: this.#kept.size, minted: this.#minted }
  }

  #isFresh({ certificate, notBefore }: Kept): boolean {
    const now = this.#now()
    // a clock that was set back makes it not valid yet
    return now < certificate.renewAt && now >= notBefore
  }

  #mint(name: string): Kept {
    const now = this.#now()
    const notBefore = now - hourMs
    const notAfter = Math.min(now + lifeMs, this.#root.notAfter.getTime())
    const pem = this.#root.issue({
      name: subjectOf(name),
      commonName: name.length <= longestCommonName ? name : null,
      publicKey: this.#publicKey,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
    })
    this.#minted += 1
    const chain = pem + this.#root.certificatePem
    return { certificate: { key: this.#keyPem, chain, renewAt: notAfter - marginMs }, notBefore }
  }
}

interface Kept {
  readonly certificate: Certificate
  readonly notBefore: number
}

function subjectOf(name: string): LeafParts['name'] {
  return isIP(name) === 0 ? { dns: name } : { ip: Uint8Array.from(ipaddr.parse(name).toByteArray()) }
}

/** Lower case, without brackets and final dot; addresses in their shortest spelling. */
function canonicalName(serverName: string): string {
  const bare = serverName.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) === 4) return bare
  if (isIP(bare) === 6 && !bare.includes('%')) return canonicalIpv6(bare)
  const name = bare.toLowerCase().replace(/\.$/, '')
  const isName = name.length <= 253 && /^(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*$/.test(name)
  if (isName && !/^[\d.]+$/.test(name)) return name
  const shown = JSON.stringify(serverName.length > 80 ? `${serverName.slice(0, 80)}…` : serverName)
  throw new ClawError('CP_TLS', `Cannot make a certificate for ${shown}: it is no host name`)
}

/** As URLs spell it; ipaddr.js takes `::192.0.2.1` for another address. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}
