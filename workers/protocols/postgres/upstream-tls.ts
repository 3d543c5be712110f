import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { serialize } from 'pg-protocol'
import { ClawError } from '../../contract/errors.ts'
import { connectTls } from '../../upstream/connect-tls.ts'
import { readExactly } from '../../wire/read-exactly.ts'
import { certificateHash } from './certificate-hash.ts'
import type { PostgresSettings } from './definition.ts'

/** Certificate and key shown to a server, and roots for it, PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** A connection to a server with or without TLS on it. */
export interface SecuredUpstream {
  readonly stream: Duplex
  readonly isEncrypted: boolean
  /** Channel binding data of its certificate; null: no TLS, or nothing to bind to. */
  readonly certificateHash: Buffer | null
}

/** Whom a connection has to reach, and how. */
export interface UpstreamPeer {
  readonly settings: PostgresSettings
  /** Name or address the certificate must be for. */
  readonly host: string
  readonly certificate: ClientCertificate | null
}

const maxContexts = 64
/** By roots and client certificate, least recently used first. */
const contexts = new Map<string, tls.SecureContext>()

/**
 * Puts TLS on a connection to a server as `sslmode` says: prefer goes on without it only where the server has none,
 * never after a failed handshake. Owns the raw connection from here on, also when it fails.
 * @throws ClawError CP_TLS with cause and advice
 */
export async function secureUpstream(
  raw: Duplex,
  { settings, host, certificate }: UpstreamPeer,
  signal: AbortSignal,
): Promise<SecuredUpstream> {
  const mode = settings.sslmode ?? 'prefer'
  if (mode === 'disable') return { stream: raw, isEncrypted: false, certificateHash: null }
  const cancel = () => raw.destroy()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    raw.write(serialize.requestSsl())
    const answer = (await readExactly(raw, 1, signal)).toString('latin1')
    if (answer === 'N' && mode === 'prefer') return { stream: raw, isEncrypted: false, certificateHash: null }
    if (answer === 'N')
      throw new ClawError('CP_TLS', `the server has no TLS, and sslmode is "${mode}"`, {
        hint: 'switch ssl on in the server',
      })
    if (answer !== 'S') throw new ClawError('CP_TLS', 'the server did not answer the request for TLS as it should')
    // what came in the clear must not be read as if it had been protected (CVE-2021-23222)
    if (raw.readableLength > 0) throw new ClawError('CP_TLS', 'the server sent unencrypted data before TLS began')
    const ca = settings.ca_cert ?? certificate?.ca ?? null
    const peer = { host, context: contextOf(ca, certificate), alpn: ['postgresql'], session: null }
    const socket = await connectTls(raw, { ...peer, ...(mode === 'verify-full' ? {} : { isUnchecked: true }) })
    const shown = socket.getPeerX509Certificate()
    return {
      stream: socket,
      isEncrypted: true,
      certificateHash: shown === undefined ? null : certificateHash(shown.raw),
    }
  } catch (error) {
    raw.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function contextOf(ca: string | null, certificate: ClientCertificate | null): tls.SecureContext {
  const key = JSON.stringify([ca, certificate?.cert, certificate?.key])
  const context = contexts.get(key) ?? makeContext(ca, certificate)
  contexts.delete(key)
  contexts.set(key, context)
  const [oldest] = contexts.keys()
  if (contexts.size > maxContexts && oldest !== undefined) contexts.delete(oldest)
  return context
}

function makeContext(ca: string | null, certificate: ClientCertificate | null): tls.SecureContext {
  try {
    return tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === null ? {} : { ca }),
      ...(certificate === null ? {} : { cert: certificate.cert, key: certificate.key }),
    })
  } catch {
    // the cause may quote the key
    throw new ClawError('CP_TLS', 'the client certificate, its key or ca_cert is not PEM that can be used', {
      hint: 'check ca_cert of the endpoint and the slots cert, key and ca of the mtls_credential',
    })
  }
}
