import { createSecureContext, type SecureContext } from 'node:tls'

/** A certificate chain with its key, PEM. */
export interface Certified {
  readonly key: string
  readonly chain: string
}

/** Mints or finds the certificate of our own authority for a host name or an IP address. */
export type MintCertificate = (name: string) => Certified | Promise<Certified>

/** How long a TLS context is used before its certificate is asked for again, ms. */
const freshMs = 3_600_000

/** TLS contexts of the names the gateway itself answers to. */
export interface ServedNames {
  /** The context for a server name; a name that is not ours gets the default one, so strangers have nothing minted. */
  contextFor(name: string | null): Promise<SecureContext>
}

/**
 * @param names lower case; the first is the default
 */
export function servedNames(names: readonly [string, ...string[]], mint: MintCertificate): ServedNames {
  const allowed = new Set(names)
  const made = new Map<string, { readonly context: Promise<SecureContext>; readonly at: number }>()
  return {
    contextFor(wanted) {
      const name = wanted !== null && allowed.has(wanted.toLowerCase()) ? wanted.toLowerCase() : names[0]
      const before = made.get(name)
      if (before !== undefined && performance.now() - before.at < freshMs) return before.context
      const context = (async () => {
        const { key, chain } = await mint(name)
        return createSecureContext({ key, cert: chain, minVersion: 'TLSv1.2' })
      })()
      made.set(name, { context, at: performance.now() })
      context.catch(() => made.delete(name))
      return context
    },
  }
}
