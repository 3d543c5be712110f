import { binding } from './binding.ts'
import { op } from './protocol.ts'
import { startNode } from './tailnet-client.ts'

export interface TailnetLoginOptions {
  /** Absolute path of an existing directory that only this node uses; no key is written there. */
  readonly stateDir: string
  /** Name asked for, a DNS label. */
  readonly hostname: string
  /** Empty: a person logs in on a page. */
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** Bounds the login; ten minutes when left out. */
  readonly timeoutMs?: number
  /** Ends the login. */
  readonly signal?: AbortSignal
  /** Told of the page to log in on, and of another one when that changes. */
  readonly onLoginUrl: (url: string) => void
}

/** A node of a tailnet as another one sees it. */
export interface TailnetSeen {
  readonly stableId: string
  /** Full name in the tailnet. */
  readonly name: string
  readonly hostname: string
  readonly addresses: readonly string[]
  readonly online: boolean
  /** Login of its owner; null for nodes with tags. */
  readonly user: string | null
  readonly tags: readonly string[]
}

/** A node of a person's own account inside this process. It goes on until it is logged out and closed. */
export interface TailnetLogin {
  readonly self: TailnetSeen
  /** The nodes it may see now. */
  peers(): Promise<readonly TailnetSeen[]>
  /** Connects to a node over TCP; the caller owns the descriptor. */
  dial(stableId: string, port: number, timeoutMs: number): Promise<number>
  /** Leaves the tailnet; at most 10 s. */
  logout(): Promise<void>
  /** Stops. Idempotent. */
  close(): Promise<void>
}

/**
 * Joins a tailnet as a node of the person who logs in, or of a key's owner; resolves once it runs.
 * @throws TailnetFault
 */
export async function startTailnetLogin(options: TailnetLoginOptions): Promise<TailnetLogin> {
  const { stateDir, hostname, authKey, controlUrl, timeoutMs = 0, signal, onLoginUrl } = options
  const settings = { stateDir, hostname, authKey, controlUrl, timeoutMs }
  const { value, text } = await startNode(op.startLogin, settings, signal, (start) => {
    void tellLoginUrls(start, onLoginUrl)
  })
  return loginOf(value, JSON.parse(text))
}

/** Ends with the start. */
async function tellLoginUrls(start: number, tell: (url: string) => void): Promise<void> {
  let url = ''
  for (;;) {
    url = (await binding().request(op.loginUrl, start, 0, 0, url)).text
    if (url === '') return
    tell(url)
  }
}

function loginOf(handle: number, self: TailnetSeen): TailnetLogin {
  let closing: Promise<unknown> | undefined
  return {
    self,
    async peers() {
      return JSON.parse((await binding().request(op.listPeers, handle, 0, 0, '')).text)
    },
    async dial(stableId, port, timeoutMs) {
      return (await binding().request(op.dialPeer, handle, port, timeoutMs, stableId)).value
    },
    async logout() {
      await binding().request(op.logoutLogin, handle, 0, 0, '')
    },
    async close() {
      closing ??= binding().request(op.stop, handle, 0, 0, '')
      await closing
    },
  }
}
