import {
  hideMemory,
  startTailnetLogin,
  TailnetFault,
  type TailnetLogin,
  type TailnetLoginOptions,
} from 'tsnet-bindings'
import { ClawError } from '../../workers/contract/errors.ts'

export type { TailnetLogin as LoginNode, TailnetSeen as SeenNode } from 'tsnet-bindings'

/**
 * Makes this process a node of the tailnet in the name of the person who logs in.
 * @throws ClawError CP_ONBOARD saying what keeps it out; the message never contains the key
 */
export async function startLoginNode(options: TailnetLoginOptions): Promise<TailnetLogin> {
  // the keys of a person's node are in it
  hideMemory()
  try {
    return await startTailnetLogin(options)
  } catch (error) {
    throw error instanceof TailnetFault ? explain(error, options) : error
  }
}

function explain({ kind, message }: TailnetFault, { controlUrl, authKey }: TailnetLoginOptions): ClawError {
  const said = authKey === '' ? message : message.replaceAll(authKey, '[auth key]')
  const say = (what: string, hint: string) => new ClawError('CP_ONBOARD', what, { hint })
  switch (kind) {
    case 'setup':
      return say(`Cannot log in to the tailnet: ${said}`, 'TS_AUTHKEY takes an auth key, --control-url an http(s) URL')
    case 'unreachable':
      return say(
        `Cannot reach the tailnet's control server ${JSON.stringify(controlUrl || 'of Tailscale')}: ${said}`,
        "look at this machine's network, proxy settings and clock; then run it again",
      )
    case 'refused':
      return say(
        `The tailnet did not let this machine in: ${said}`,
        authKey === '' ? 'run it again and open the link it shows' : 'the key of TS_AUTHKEY may be used up or expired',
      )
    case 'unapproved':
      return say(
        "The tailnet lets no device in before an administrator approves it, and this one's node is temporary",
        'set TS_AUTHKEY to a pre-approved auth key, or join through the public address of the gateway',
      )
    case 'invisible':
    case 'exit-node':
      return say(`Cannot log in to the tailnet: ${said}`, 'run it again')
    case 'cancelled':
      return new ClawError('CP_CANCELLED', 'Stopped while logging in to the tailnet')
    default:
      return never(kind)
  }
}

function never(kind: never): never {
  throw new Error(`unknown kind ${String(kind)}`)
}
