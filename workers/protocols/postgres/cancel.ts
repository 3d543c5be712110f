import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import type { Closing, Session } from '../../contract/plugin.ts'
import { redeem } from '../../rules/gate.ts'
import { startDeadline } from '../../wire/deadline.ts'
import { readExactly } from '../../wire/read-exactly.ts'
import { noFacts } from '../../wire/sql/unseen-statement.ts'
import type { PostgresSettings } from './definition.ts'
import { certificateOf } from './login-identity.ts'
import { serverAddress } from './server-address.ts'
import { secureUpstream } from './upstream-tls.ts'

/** How long a server may take to take a cancel request and close, ms. */
const cancelMs = 10_000
/** The same where its session is over already; a flow that was cancelled is abandoned soon after, ms. */
const stopMs = 1500

/**
 * Passes a CancelRequest on to the endpoint's server, which knows by the key whose statement is meant. It is judged and
 * recorded as an action `CANCEL`; the agent is never told how it went, its connection is closed.
 * @param key process id and secret, raw
 */
export async function forwardCancel(session: Session<PostgresSettings>, key: Buffer): Promise<void> {
  try {
    const { action, ruling } = await session.judge({
      title: 'CANCEL',
      facts: { sql: cancelFacts },
      unknowns: [],
      record: { verb: 'cancel' },
      credential: null,
    })
    if (ruling.kind === 'allow') redeem(ruling.permit, action.id)
    const error =
      ruling.kind === 'deny' ? null : await requestCancel(session, key, session.signal).then(nothing, wordsOf)
    const status = ruling.kind === 'deny' ? 'denied' : error === null ? 'CANCEL' : 'error'
    session.close(action, { ...emptyClosing, status, error, bytesUp: status === 'CANCEL' ? key.length + 8 : 0 })
  } finally {
    session.client.destroy()
  }
}

/** What rules may read of a cancel request: it names no statement. */
const cancelFacts = { ...noFacts, verb: 'cancel', verbs: ['cancel'], database: '', params: {}, settings: {} }

const emptyClosing: Pick<Closing, 'bytesDown' | 'request' | 'response'> = {
  bytesDown: 0,
  request: null,
  response: null,
}

/**
 * Asks the endpoint's server, on a connection of its own, to end the statement another connection runs. Resolves once
 * the server has closed it: whom it means was signalled by then.
 * @param key process id and secret, raw
 * @throws ClawError, or what the dial throws, when the server cannot be told
 */
export async function requestCancel(
  session: Session<PostgresSettings>,
  key: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const endpoint = session.endpoint()
  if (endpoint === null) throw new ClawError('CP_CONFIG', 'the endpoint is no longer in the policy')
  const { settings } = endpoint
  const address = serverAddress(settings)
  const certificate = await certificateOf(session)
  const raw = await session.dial(address)
  raw.on('error', () => undefined)
  const deadline = startDeadline(signal, cancelMs, 'the server did not take the cancel request in time')
  let stream: Duplex = raw
  try {
    stream = (await secureUpstream(raw, { settings, host: address.host, certificate }, deadline.signal)).stream
    stream.on('error', () => undefined)
    const head = Buffer.from([0, 0, 0, 0, 4, 210, 22, 46])
    head.writeUInt32BE(key.length + 8)
    stream.write(Buffer.concat([head, key]))
    // it answers nothing and closes once it has signalled the session
    await readExactly(stream, 1, deadline.signal).then(nothing, nothing)
  } finally {
    deadline[Symbol.dispose]()
    stream.destroy()
    raw.destroy()
  }
}

/**
 * Has the server end what a session runs there that is over here, so that it does not go on working for nobody. Takes
 * `stopMs` at most; a server that cannot be told notices when it next has something to send.
 */
export async function stopStatement(session: Session<PostgresSettings>, key: Buffer | null): Promise<void> {
  if (key === null) return
  // the flow's own signal may be what ended it
  const signal = AbortSignal.timeout(stopMs)
  const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await Promise.race([requestCancel(session, key, signal).then(nothing, nothing), late])
}

function nothing(): null {
  return null
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it could not be passed on'
}
