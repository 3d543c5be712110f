import type { Session } from '../../contract/plugin.ts'
import { chooseUse } from '../../upstream/choose-login.ts'
import { closeGently } from '../../wire/linger.ts'
import { tunnel } from '../../wire/tunnel.ts'
import { forwardCancel } from './cancel.ts'
import type { PostgresSettings } from './definition.ts'
import { loginRefusal } from './login-refusal.ts'
import { fatal } from './respond.ts'
import { readStartup } from './startup.ts'
import { openUpstream } from './upstream-login.ts'

/** Opens a session as an agent asks for it and passes everything on unseen: what tests of the login need. */
export async function relay(session: Session<PostgresSettings>): Promise<void> {
  const startup = await readStartup(session)
  if (startup === null) return
  if (startup.kind === 'cancel') return await forwardCancel(session, startup.key)
  const { stream } = startup
  const end = (bytes: Buffer) => {
    stream.write(bytes)
    closeGently(stream)
  }
  const use = chooseUse(session.endpoint()?.credentials ?? [], startup)
  if (typeof use === 'string') return end(fatal('28000', use))
  const opened = await openUpstream(session, { ...startup, settings: { take: () => startup.settings } }, use).then(
    (upstream) => ({ upstream }),
    (error: unknown) => ({ refusal: loginRefusal(error) }),
  )
  if ('refusal' in opened) return end(opened.refusal)
  const { upstream } = opened
  const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
  stream.write(Buffer.concat([upstream.negotiation, authenticationOk, upstream.greeting]))
  const side = { early: Buffer.alloc(0), observe: () => null }
  await tunnel({ socket: stream, ...side }, { socket: upstream.stream, ...side }, session.signal)
  session.client.destroy()
}
