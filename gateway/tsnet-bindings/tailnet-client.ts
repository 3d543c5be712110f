import { binding } from './binding.ts'
import type { Address } from './flows.ts'
import { joinAddress } from './flows.ts'
import { op } from './protocol.ts'

export interface TailnetClientOptions {
  /** Absolute path of an existing directory that only this node uses. */
  readonly stateDir: string
  /** Name asked for, a DNS label. */
  readonly hostname: string
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** IP literal of the node that all traffic goes to. */
  readonly exitNode: string
  /** Bounds the start; a minute when left out. */
  readonly timeoutMs?: number
  /** Ends the start. */
  readonly signal?: AbortSignal
}

/** A node of a tailnet inside this process, gone from it with its logout. */
export interface TailnetClient {
  readonly address4: string
  readonly address6: string | null
  /** Full name in the tailnet. */
  readonly name: string
  /** Serves a TUN device opened with IFF_NO_PI and IFF_VNET_HDR; owns the descriptor, whatever the outcome. */
  attach(tunFd: number): Promise<void>
  /** Connects to the exit node itself over TCP; the caller owns the descriptor. */
  dial(to: Address, timeoutMs: number): Promise<number>
  /** Leaves the tailnet; at most 5 s. */
  logout(): Promise<void>
  /** Stops, and closes the TUN device. Idempotent. */
  close(): Promise<void>
}

/**
 * What keeps a node out of its tailnet: wrong settings; control not reached; the key refused; an administrator's
 * approval missing; the exit node not visible, or visible and not approved as one; or the caller's own signal.
 */
export type TailnetFaultKind =
  | 'setup'
  | 'unreachable'
  | 'refused'
  | 'unapproved'
  | 'invisible'
  | 'exit-node'
  | 'cancelled'

/** A node that could not be started. Its message never contains the key. */
export class TailnetFault extends Error {
  readonly kind: TailnetFaultKind

  constructor(kind: TailnetFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}

let lastStart = 0

/**
 * Joins a tailnet as an ephemeral node; resolves once its exit node is set.
 * @throws TailnetFault
 */
export async function startTailnetClient(options: TailnetClientOptions): Promise<TailnetClient> {
  const { stateDir, hostname, authKey, controlUrl, exitNode, timeoutMs = 0, signal } = options
  const settings = { stateDir, hostname, authKey, controlUrl, exitNode, timeoutMs }
  const { value, text } = await startNode(op.startTailnetClient, settings, signal)
  return clientOf(value, JSON.parse(text))
}

/**
 * Runs an operation that starts a node, until it is done or cancelled.
 * @param onBegun told the number of the start once it is under way
 * @throws TailnetFault
 */
export async function startNode(
  code: number,
  settings: object,
  signal: AbortSignal | undefined,
  onBegun: (start: number) => void = () => {},
): Promise<{ readonly value: number; readonly text: string }> {
  if (signal?.aborted) throw new TailnetFault('cancelled', 'stopped')
  const start = ++lastStart
  const cancel = () => binding().send(op.cancelTailnetClient, start)
  const starting = binding().request(code, start, 0, 0, JSON.stringify(settings))
  signal?.addEventListener('abort', cancel, { once: true })
  onBegun(start)
  try {
    return await starting
  } catch (error) {
    throw faultOf(error)
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

function clientOf(handle: number, self: Pick<TailnetClient, 'address4' | 'address6' | 'name'>): TailnetClient {
  let closing: Promise<unknown> | undefined
  return {
    address4: self.address4,
    address6: self.address6,
    name: self.name,
    async attach(tunFd) {
      await binding().request(op.attachTun, handle, tunFd, 0, '')
    },
    async dial(to, timeoutMs) {
      return (await binding().request(op.tailnetDial, handle, timeoutMs, 0, joinAddress(to))).value
    },
    async logout() {
      await binding().request(op.logoutClient, handle, 0, 0, '')
    },
    async close() {
      closing ??= binding().request(op.stop, handle, 0, 0, '')
      await closing
    },
  }
}

const kinds: readonly TailnetFaultKind[] = [
  'setup',
  'unreachable',
  'refused',
  'unapproved',
  'invisible',
  'exit-node',
  'cancelled',
]

// go/tailclient_join.go writes "tailnet kind: text"
function faultOf(error: unknown): TailnetFault {
  const text = error instanceof Error ? error.message : String(error)
  const [, word = '', cause = ''] = /^tailnet ([a-z-]+): (.*)$/s.exec(text) ?? []
  const kind = kinds.find((one) => one === word)
  return kind === undefined ? new TailnetFault('setup', text) : new TailnetFault(kind, cause)
}
