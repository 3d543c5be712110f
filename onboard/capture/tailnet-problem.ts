import type { TailnetClientOptions, TailnetFault } from 'tsnet-bindings'
import { ClawError } from '../../workers/contract/errors.ts'

/** What keeps a node out of its tailnet. */
export type TailnetProblem = TailnetFault['kind']

/** Says what keeps a node out of its tailnet and what lets it in; the message never contains the key. */
export function tailnetProblem(
  { kind, message }: Pick<TailnetFault, 'kind' | 'message'>,
  { controlUrl, exitNode, authKey }: Pick<TailnetClientOptions, 'controlUrl' | 'exitNode' | 'authKey'>,
): ClawError {
  const say = (what: string, hint: string) =>
    new ClawError('CP_ONBOARD', what.replaceAll(authKey, '[auth key]'), { hint })
  switch (kind) {
    case 'setup':
      return say(`Cannot start a node of the tailnet: ${message}`, 'run clawpatrol join <gateway-url> again')
    case 'unreachable':
      return say(
        `Cannot reach the tailnet's control server ${JSON.stringify(controlUrl || 'of Tailscale')}: ${message}`,
        "look at this machine's network, proxy settings and clock; then run it again",
      )
    case 'refused':
      return say(
        `The tailnet refused this device's key: ${message}`,
        'run clawpatrol join <gateway-url> again: the key has expired or was revoked',
      )
    case 'unapproved':
      return say(
        'This device waits for approval in the tailnet',
        'an administrator approves it in the admin console, or lets the gateway mint pre-approved keys',
      )
    case 'invisible':
      return say(
        `The gateway's node ${exitNode} is not visible to this device`,
        'the tailnet\'s ACL has to let the device\'s tag reach the gateway: "dst": ["autogroup:internet:*", "<gateway tag>:*"]',
      )
    case 'exit-node':
      return say(
        `The gateway ${exitNode} is not approved as an exit node`,
        'approve it in the admin console, or add to the tailnet\'s ACL: "autoApprovers": {"exitNode": ["<gateway tag>"]}',
      )
    case 'cancelled':
      return new ClawError('CP_CANCELLED', 'Stopped while joining the tailnet')
    default:
      return never(kind)
  }
}

function never(kind: never): never {
  throw new Error(`unknown kind ${String(kind)}`)
}
