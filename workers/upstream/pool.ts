import { createHash } from 'node:crypto'
import { ClawError } from '../contract/errors.ts'
import { Origin, type OriginKey } from './origin.ts'

/** Origins kept; the least recently used unused ones go first. */
const maxOrigins = 512

/** Which connections may be shared: those of one endpoint, to one address, made as one credential. */
export interface OriginScope extends OriginKey {
  readonly endpoint: string
  /** Address dialled instead of host and port; null: none. */
  readonly via: string | null
}

/** The upstreams of this thread, and so of one profile. */
export class OriginPool {
  /** Least recently used first. */
  readonly #origins = new Map<string, Origin>()

  /** @throws ClawError CP_TLS when certificate, key or roots cannot be used */
  origin(scope: OriginScope): Origin {
    const id = idOf(scope)
    const known = this.#origins.get(id)
    if (known !== undefined) {
      this.#origins.delete(id)
      this.#origins.set(id, known)
      return known
    }
    const origin = makeOrigin(scope)
    this.#origins.set(id, origin)
    if (this.#origins.size > maxOrigins) this.#dropUnused()
    return origin
  }

  close(): void {
    for (const origin of this.#origins.values()) origin.close()
    this.#origins.clear()
  }

  #dropUnused(): void {
    for (const [id, origin] of this.#origins) {
      if (this.#origins.size <= maxOrigins) return
      if (origin.isUnused) this.#origins.delete(id)
    }
  }
}

/** Digests of PEM texts by the text, so that a request does not hash its roots. */
const digests = new Map<string, string>()
const maxDigests = 1024

function idOf({ endpoint, host, port, isPlain = false, via, ca, material }: OriginScope): string {
  const tls = material === null ? '' : [material.cert, material.key, material.ca ?? ''].map(digestOf).join()
  return `${endpoint}\n${isPlain ? 'http' : 'https'}\n${host}:${port}\n${via ?? ''}\n${ca === null ? '' : digestOf(ca)}\n${tls}`
}

function digestOf(text: string): string {
  const known = digests.get(text)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(text).digest('base64')
  if (digests.size >= maxDigests) digests.clear()
  digests.set(text, digest)
  return digest
}

function makeOrigin(scope: OriginScope): Origin {
  try {
    return new Origin(scope)
  } catch {
    // the cause may quote PEM
    const what = scope.material === null ? 'ca_cert of the endpoint is' : 'the client certificate, its key or its ca is'
    throw new ClawError('CP_TLS', `cannot connect to ${scope.host}: ${what} not usable PEM`)
  }
}
