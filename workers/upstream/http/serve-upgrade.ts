import type { Action } from '../../contract/action.ts'
import type { Secret } from '../../contract/messages.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { responseFields } from '../../wire/http/filter-headers.ts'
import type { TunnelReport } from '../../wire/tunnel.ts'
import { tunnel } from '../../wire/tunnel.ts'
import { echoOf, maskHeaders, maskText } from '../secret-echo.ts'
import type { Agent } from './http-service.ts'
import { observeFrames } from './observe-frames.ts'
import type { Relayed } from './relay.ts'

/** An exchange whose upstream switched protocols. */
export interface Upgrading {
  readonly agent: Agent
  readonly exchange: Exchange
  readonly action: Action
  readonly secret: Secret | null
}

/** Passes what follows a 101 both ways until a side closes; the text frames of a WebSocket are recorded. */
export async function serveUpgrade(
  { agent, exchange, action, secret }: Upgrading,
  { head, socket, early }: Extract<Relayed, { kind: 'upgraded' }>,
): Promise<TunnelReport> {
  const fields = responseFields(head.headers)
  fields.set('Connection', 'Upgrade')
  fields.set('Upgrade', head.headers.get('upgrade') ?? exchange.head.upgrade ?? '')
  const echo = secret === null ? null : echoOf(secret)
  const headers = echo === null ? fields : maskHeaders(fields, echo)
  const { status } = head
  const reason = echo === null ? head.reason : maskText(head.reason, echo)
  const agentEnd = exchange.upgrade({ status, reason, headers, length: 'none' })
  if (agentEnd === null) {
    socket.destroy()
    return { bytesUp: 0, bytesDown: 0, error: 'the connection to the agent cannot be upgraded' }
  }
  const isWebSocket = head.headers.get('upgrade')?.toLowerCase() === 'websocket'
  const observe = isWebSocket
    ? observeFrames(agent.session, action, head.headers.get('sec-websocket-extensions') ?? '')
    : { up: () => null, down: () => null }
  return await tunnel(
    { ...agentEnd, observe: observe.up },
    { socket, early, observe: observe.down },
    agent.session.signal,
  )
}
