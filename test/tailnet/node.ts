import type { Control } from './control.ts'
import { startNodeProcess } from './node-process.ts'

/** A plain upstream node, to test ours against. */
export interface PlainNode extends AsyncDisposable {
  /** Its StableID. */
  readonly id: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly pid: number
  /** Connects through the tailnet. */
  open(network: 'tcp' | 'udp', to: string, timeoutMs?: number): Promise<NodeStream>
  /**
   * Connects to `host.tail.test:port` as an ingress server of Funnel does; TLS begins on the stream.
   * @param source address and port of who is said to connect from the internet
   */
  funnel(name: string, port: number, source?: string): Promise<NodeStream>
  get(url: string, timeoutMs?: number): Promise<{ readonly status: number; readonly body: string }>
  /** Echoes whatever connects to a port of the node. */
  listen(port: number): Promise<void>
  /** Echoes what comes in through Funnel, with a certificate nobody trusts. */
  listenFunnel(port: number): Promise<void>
  status(): Promise<object>
  whois(address: string): Promise<object>
  advertise(routes: readonly string[]): Promise<void>
  useExitNode(address: string, timeoutMs?: number): Promise<void>
  logout(): Promise<void>
}

/** A connection, or a datagram flow, that a node holds. */
export interface NodeStream {
  /** Where it comes from. */
  readonly local: string
  write(bytes: string | Uint8Array): Promise<void>
  /** The next bytes there are; empty at the end. */
  read(timeoutMs?: number): Promise<Buffer>
  /** Ends the own direction. */
  end(): Promise<void>
  close(): Promise<void>
}

/** What a node is and does. */
export interface PlainNodeOptions {
  /** Puts words before the command, to start it in a namespace. */
  readonly within?: (words: readonly string[]) => readonly string[]
  readonly hostname: string
  readonly authKey: string
  /** A temporary one unless given. */
  readonly stateDir?: string
  readonly ephemeral?: boolean
  readonly advertise?: readonly string[]
  /** Address of a node that offers itself as one. */
  readonly exitNode?: string
  /** Largest packet inside the tunnel, bytes; 1280 unless given. */
  readonly innerMtu?: number
}

/** Starts a node and waits until it is in the tailnet. @throws Error with the reason when it is kept out */
export async function startNode(
  control: Pick<Control, 'binary' | 'controlUrl'>,
  { within = (words) => words, innerMtu, ...options }: PlainNodeOptions,
): Promise<PlainNode> {
  const mtu = innerMtu === undefined ? {} : { TS_DEBUG_MTU: String(innerMtu) }
  const { pid, ready, perform, end } = await startNodeProcess(
    within([control.binary, 'node']),
    { ...process.env, ...mtu },
    { ...options, controlUrl: control.controlUrl },
  )
  const streamOf = (opened: unknown): NodeStream => {
    const { stream, local } = opened as { readonly stream: number; readonly local: string }
    return {
      local,
      write: async (bytes) => {
        await perform({ do: 'write', stream, bytes: Buffer.from(bytes).toString('base64') })
      },
      read: async (timeoutMs) => {
        const read = (await perform({ do: 'read', stream, timeoutMs })) as { readonly bytes: string }
        return Buffer.from(read.bytes, 'base64')
      },
      end: async () => {
        await perform({ do: 'end', stream })
      },
      close: async () => {
        await perform({ do: 'close', stream })
      },
    }
  }
  const name = ready.name.replace(/\.$/, '')
  return {
    id: ready.id,
    addresses: ready.addresses,
    name,
    pid,
    open: async (network, to, timeoutMs) => streamOf(await perform({ do: 'open', network, to, timeoutMs })),
    funnel: async (to, port, source) => streamOf(await perform({ do: 'funnel', to, port, source })),
    get: async (url, timeoutMs) =>
      (await perform({ do: 'get', to: url, timeoutMs })) as { readonly status: number; readonly body: string },
    listen: async (port) => {
      await perform({ do: 'listen', port })
    },
    listenFunnel: async (port) => {
      await perform({ do: 'listen-funnel', port, to: name })
    },
    status: async () => (await perform({ do: 'status' })) as object,
    whois: async (to) => (await perform({ do: 'whois', to })) as object,
    advertise: async (advertise) => {
      await perform({ do: 'advertise', advertise })
    },
    useExitNode: async (exitNode, timeoutMs) => {
      await perform({ do: 'exit-node', exitNode, timeoutMs })
    },
    logout: async () => {
      await perform({ do: 'logout' })
    },
    [Symbol.asyncDispose]: end,
  }
}
