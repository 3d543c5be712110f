import { ClawError } from '../../../workers/contract/errors.ts'
import { amendChange, type ExitNodeChange, type TailnetChange } from '../journal.ts'
import type { Host } from './host.ts'
import { make, type Place } from './routing.ts'

/** What `tailscale status --json` says, as far as we need it. */
export interface TailscaleStatus {
  readonly BackendState: string
  readonly Self?: { readonly ID?: string; readonly TailscaleIPs?: readonly string[] | null } | null
  readonly Peer?: { readonly [key: string]: TailscalePeer } | null
  readonly ExitNodeStatus?: { readonly Online?: boolean; readonly TailscaleIPs?: readonly string[] | null } | null
}

/** Another node of the tailnet. */
export interface TailscalePeer {
  readonly TailscaleIPs?: readonly string[] | null
  /** It offers to be an exit node, and the tailnet's operator agreed. */
  readonly ExitNodeOption?: boolean
}

/** How to get into a tailnet. */
export interface TailnetLogin {
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  readonly hostname: string
}

// our end may be a socket, which cannot be opened by its name
const upScript = `cat | tailscale "$@"`

/** Asks this machine's Tailscale. @throws ClawError CP_ONBOARD when it does not run */
export async function tailscaleStatus(host: Host): Promise<TailscaleStatus> {
  try {
    return JSON.parse(await host.asUser(['tailscale', 'status', '--json'])) as TailscaleStatus
  } catch (error) {
    throw new ClawError('CP_ONBOARD', 'Tailscale does not answer on this machine', {
      cause: error,
      hint: 'start it: sudo systemctl enable --now tailscaled',
    })
  }
}

/** Whether this machine is, or wants to be, in a tailnet. */
export function isInTailnet({ BackendState }: TailscaleStatus): boolean {
  return BackendState !== 'NeedsLogin' && BackendState !== 'NoState'
}

/** Puts this machine's Tailscale into the tailnet. The key goes through a pipe: everybody can read arguments. */
export async function loginToTailnet(place: Place, login: TailnetLogin): Promise<TailscaleStatus> {
  const { dir, host } = place
  const words = [
    ...[
      'sh',
      '-c',
      upScript,
      'tailscale',
      'up',
      '--reset',
      '--authkey=file:/dev/stdin',
      `--hostname=${login.hostname}`,
    ],
    ...['--accept-routes', '--accept-dns=false', '--timeout=60s'],
    ...(login.controlUrl === '' ? [] : [`--login-server=${login.controlUrl}`]),
  ]
  await make(place, { kind: 'tailnet', node: null }, () => host.asRoot(words, Buffer.from(login.authKey)))
  const status = await tailscaleStatus(host)
  amendChange(dir, { kind: 'tailnet', node: status.Self?.ID ?? null })
  return status
}

/** Takes this machine out of the tailnet it was put into; not out of one a person chose since. */
export async function leaveTailnet(host: Host, { node }: TailnetChange): Promise<string | null> {
  const status = await tailscaleStatus(host)
  if (!isInTailnet(status)) return null
  if (isAnother(status, node)) return 'this machine is another node of a tailnet now: it is left in it'
  await host.asRoot(['tailscale', 'logout'])
  return null
}

/** Sends traffic to this machine's own network again; not in a tailnet, there is no exit node. */
export async function clearExitNode(host: Host, { node }: ExitNodeChange): Promise<void> {
  const status = await tailscaleStatus(host)
  if (isInTailnet(status) && !isAnother(status, node)) await host.asRoot(['tailscale', 'set', '--exit-node='])
}

function isAnother({ Self }: TailscaleStatus, node: string | null): boolean {
  const now = Self?.ID ?? ''
  return node !== null && now !== '' && now !== node
}
