import type { Duplex } from 'node:stream'
import type tls from 'node:tls'
import { ClawError } from '../../contract/errors.ts'
import type { Session } from '../../contract/plugin.ts'
import { readHello, terminateTls } from '../../wire/server-tls.ts'
import type { PostgresSettings } from './definition.ts'
import { serverAddress } from './server-address.ts'

/** The one protocol an agent may name in ALPN. */
const alpn = 'postgresql'

/**
 * Takes TLS off an agent's connection with a certificate of our CA.
 * @param isDirect no SSLRequest came before: the agent must name the protocol then, so that a browser cannot be made
 *   to speak it
 * @throws ClawError CP_TLS with cause and advice
 */
export async function takeTls(
  session: Session<PostgresSettings>,
  raw: Duplex,
  isDirect: boolean,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const hello = await readHello(raw, signal)
  if (isDirect && !hello.alpn.includes(alpn))
    throw new ClawError('CP_TLS', 'TLS without SSLRequest, and ALPN does not name postgresql', {
      hint: 'use sslnegotiation=postgres, or a client that sends ALPN',
    })
  const name = certificateName(session, hello.serverName)
  const { socket } = await terminateTls(raw, name, (asked) => session.certificate(asked), [alpn])
  return socket
}

/** The name the agent asked for where it is the endpoint's; the server is settled already, so any other is no fault. */
function certificateName(session: Session<PostgresSettings>, serverName: string | null): string {
  const { targetName, target } = session.flow
  const own = targetName ?? target.host
  const endpoint = session.endpoint()
  if (serverName === null || endpoint === null) return own
  return serverName === serverAddress(endpoint.settings).host ? serverName : own
}
