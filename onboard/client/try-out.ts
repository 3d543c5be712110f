import { ClawError } from '../../workers/contract/errors.ts'
import { loadIdentity } from './identity.ts'
import { reachGateway } from './reach-gateway.ts'
import { refused } from './session.ts'

const askMs = 10_000

/**
 * Goes the way every run will go, once, right after a join over a tailnet: what is missing in the tailnet's policy is
 * seen while its operator is near.
 * @throws ClawError saying what keeps runs from getting through
 */
export async function tryOut(dir: string): Promise<void> {
  const identity = loadIdentity(dir)
  const gateway = await reachGateway(identity)
  try {
    const ask = { method: 'GET', path: '/api/peer/self', token: identity.token, timeoutMs: askMs } as const
    const reply = await gateway.ask(ask)
    if (reply.status !== 200) throw refused(reply)
  } catch (error) {
    if (error instanceof ClawError && error.hint !== null) throw error
    throw new ClawError('CP_ONBOARD', 'The gateway does not answer inside the tailnet', {
      cause: error,
      hint: "the tailnet's ACL has to let the devices' tag reach the gateway: clawpatrol status --gateway there shows what to add",
    })
  } finally {
    await gateway.close()
  }
}
