import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../support/program.ts'
import { until } from '../support/until.ts'
import { buildControl } from './build-control.ts'
import { askSocket, type SocketReply } from './socket-json.ts'

export { controlBuildMs } from './build-control.ts'

/** A node as the control server knows it. */
export interface ControlNode {
  /** Its StableID. */
  readonly id: string
  /** `host.tail.test` */
  readonly name: string
  readonly hostname: string
  /** IPv4, then IPv6. */
  readonly addresses: readonly string[]
  readonly tags: readonly string[]
  /** A login name; `tagged-devices` for nodes with tags. */
  readonly user: string
  readonly ephemeral: boolean
  readonly online: boolean
  readonly expired: boolean
  readonly authKeyId: string
  readonly advertisedRoutes: readonly string[]
  /** Advertised and approved. */
  readonly enabledRoutes: readonly string[]
}

/** What a test may change of a node. */
export interface NodeChange {
  /** Replaces those approved before; they count once they are advertised. */
  readonly approvedRoutes?: readonly string[]
  readonly tags?: readonly string[]
  readonly user?: string
  readonly expired?: boolean
  /** HTTPS and Funnel. */
  readonly funnel?: boolean
  /** What others may reach on it or through it: by name, or as tailcfg.FilterRule. */
  readonly filter?: 'all' | 'nothing' | 'tcp' | 'internet' | readonly object[]
}

/** A client of the fake API. */
export interface ControlOauthClient {
  readonly id: string
  readonly secret: string
  /** `auth_keys`, `devices:core`, `devices:routes` */
  readonly scopes: readonly string[]
  /** Tags its keys may have; any where none are given. */
  readonly tags?: readonly string[]
}

/** A key to be made as a person does in the console. */
export interface ConsoleKey {
  readonly reusable?: boolean
  readonly ephemeral?: boolean
  /** None: the nodes are the user's. */
  readonly tags?: readonly string[]
  /** `owner@example.com` unless given. */
  readonly user?: string
  /** An hour unless given. */
  readonly expirySeconds?: number
}

/** How a tailnet differs from one where everything is allowed. */
export interface ControlOptions {
  /** Puts words before the command, to start it in a namespace: `lab.world.within`. */
  readonly within?: (words: readonly string[]) => readonly string[]
  /** 127.0.0.1 unless given; control, API, DERP and STUN listen there. */
  readonly listen?: string
  readonly oauthClients?: readonly ControlOauthClient[]
  /** Approves advertised routes by itself; true unless given. */
  readonly autoApprove?: boolean
  /** Lets every node use Funnel and HTTPS; true unless given. */
  readonly funnel?: boolean
  /** How long an ephemeral node stays away before it is removed, ms; 3000 unless given. */
  readonly ephemeralAfterMs?: number
  readonly domain?: string
}

/** A tailnet of our own. */
export interface Control extends AsyncDisposable {
  /** For `control_url`. */
  readonly controlUrl: string
  /** For `api_url`. */
  readonly apiUrl: string
  /** The program, for `startNode`. */
  readonly binary: string
  nodes(): Promise<readonly ControlNode[]>
  /** Waits for a node that is as wanted. */
  node(what: string, wanted: (node: ControlNode) => boolean, timeoutMs?: number): Promise<ControlNode>
  /** Waits until no node is like that. */
  gone(what: string, like: (node: ControlNode) => boolean, timeoutMs?: number): Promise<void>
  change(stableId: string, change: NodeChange): Promise<ControlNode>
  remove(stableId: string): Promise<void>
  mint(key?: ConsoleKey): Promise<{ readonly id: string; readonly key: string }>
  /** Does what a person does on the page of a login URL; `spent`: control forgets the page instead. */
  login(url: string, as: { readonly user: string; readonly unapproved?: boolean } | 'spent'): Promise<void>
  endKey(id: string, how: 'revoked' | 'expired'): Promise<void>
  tailnet(change: { readonly autoApprove?: boolean; readonly funnel?: boolean }): Promise<void>
  /** Asks the API from outside its namespace. */
  api(
    method: string,
    path: string,
    more?: { readonly headers?: { readonly [name: string]: string }; readonly body?: string },
  ): Promise<SocketReply>
}

/**
 * Starts a control server with DERP, STUN and a fake of the Tailscale API that enforces the keys it mints.
 * `lab.ts` has namespaces without a way out to start it in, `machine-commands.ts` clawpatrol's own commands in them.
 *
 * ```ts
 * await using lab = await tailnetLab(['laptop', { name: 'train', quality: { loss: 0.01, reorder: 0.05 }, pathMtu: 1280 }])
 * await using control = await startControl({ within: lab.world.within, listen: lab.world.address,
 *   oauthClients: [{ id: 'id', secret: 'secret', scopes: ['auth_keys', 'devices:core', 'devices:routes'] }] })
 * const { key } = await control.mint({ tags: ['tag:gateway'] })        // as a person; through the API: control.apiUrl
 * await using exit = await startNode(control, { within: lab.world.within, hostname: 'exit', authKey: key,
 *   advertise: ['0.0.0.0/0', '::/0'] })                                // node.ts: plain upstream tsnet; forwards
 * const node = await control.node('the exit node is approved', ({ enabledRoutes }) => enabledRoutes.length === 2)
 * await using peer = await startNode(control, { within: lab.machine('laptop').within, hostname: 'peer',
 *   authKey: (await control.mint({ ephemeral: true })).key, exitNode: exit.addresses[0] })
 * const stream = await peer.open('tcp', '203.0.113.10:80')             // read, write, end, close; 'udp' as well
 * duplexOf(await peer.funnel(gatewayName, 443))                        // duplex.ts: for tls.connect({ socket })
 * await control.change(node.id, { filter: 'tcp' })                     // approvedRoutes, tags, user, expired, funnel
 * await control.remove(node.id)                                        // it is told that its key is worthless
 * ```
 *
 * It ends when this process does. tsnet inside this process: wrap the tests in `describeIsolated` (isolated.ts), then
 * the file runs again in a namespace of its own and `within` is not needed. The first build takes longer than a hook
 * may: give the hook or test `controlBuildMs`.
 */
export async function startControl(options: ControlOptions = {}): Promise<Control> {
  const binary = await buildControl()
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-control-'))
  const { within = (words) => words, autoApprove = true, funnel = true, ...more } = options
  const words = within([binary, 'serve'])
  const running = start(words[0] ?? '', words.slice(1), process.env, null)
  running.child.stdin?.write(`${JSON.stringify({ ...more, autoApprove, funnel, socketDir: dir })}\n`)
  const end = async () => {
    running.child.stdin?.end()
    await running[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  }
  const urls = await running.saw(/^\{.*\}$/m, 20_000).then(
    ([line]) => JSON.parse(line) as { readonly control: string; readonly api: string },
    async (error) => {
      await end()
      throw error
    },
  )
  const admin = async (method: string, path: string, body?: object): Promise<unknown> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const reply = await askSocket({ socketPath: join(dir, 'admin.sock'), method, path, ...sent })
    if (reply.status === 200) return reply.body
    throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
  }
  const nodes = async () => (await admin('GET', '/nodes')) as readonly ControlNode[]
  return {
    controlUrl: urls.control,
    apiUrl: urls.api,
    binary,
    nodes,
    node: (what, wanted, timeoutMs) => until(what, async () => (await nodes()).find(wanted), timeoutMs),
    gone: async (what, like, timeoutMs) => {
      await until(what, async () => !(await nodes()).some(like), timeoutMs)
    },
    change: async (id, change) => (await admin('PATCH', `/nodes/${id}`, change)) as ControlNode,
    remove: async (id) => {
      await admin('DELETE', `/nodes/${id}`)
    },
    mint: async (key = {}) => (await admin('POST', '/keys', key)) as { id: string; key: string },
    login: async (url, as) => {
      await admin('POST', '/logins', as === 'spent' ? { url, spent: true } : { url, ...as })
    },
    endKey: async (id, how) => {
      await admin('PATCH', `/keys/${id}`, { [how]: true })
    },
    tailnet: async (change) => {
      await admin('PATCH', '/tailnet', change)
    },
    api: (method, path, sent = {}) => askSocket({ socketPath: join(dir, 'api.sock'), method, path, ...sent }),
    [Symbol.asyncDispose]: end,
  }
}
