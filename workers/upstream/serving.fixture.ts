import { once } from 'node:events'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Action } from '../contract/action.ts'
import { describedText } from '../contract/described-text.ts'
import { ClawError } from '../contract/errors.ts'
import type { ActionId, Address, CredentialName, EndpointName, RuleName } from '../contract/ids.ts'
import type { Certificate, Secret } from '../contract/messages.ts'
import { newId } from '../contract/new-id.ts'
import type { Closing, Family, Seen, Session } from '../contract/plugin.ts'
import type { CredentialUse, Endpoint, Limits, Rule } from '../contract/profile.ts'
import type { Ruling } from '../contract/verdict.ts'
import { compileRules } from '../rules/compile.ts'
import { gate } from '../rules/gate.ts'
import { judge } from '../rules/judge.ts'

/** What is served, and to whom it is taken to go. */
export interface ServingParts<Settings> {
  /** Serves one flow. */
  readonly serve: (session: Session<Settings>) => Promise<void>
  readonly families: readonly Family[]
  readonly protocol: string
  readonly hosts: readonly string[]
  readonly settings: Settings
  readonly rules?: readonly Rule[] | undefined
  readonly unmatched?: 'allow' | 'deny' | undefined
  readonly credentials?: readonly CredentialUse[] | undefined
  readonly secrets?: { readonly [credential: string]: Secret | null } | undefined
  readonly limits?: Partial<Limits> | undefined
  /** Name the agent asked for; null: it came by address. */
  readonly targetName?: string | null | undefined
  readonly target: Address
  readonly certificate: (serverName: string) => Promise<Certificate>
  readonly dial: (to: Address) => Promise<Duplex>
  /** Keeps no actions: for benches. */
  readonly isForgetful?: boolean | undefined
}

/** One action as it was recorded. */
export interface Recorded {
  readonly seen: Seen
  /** As it would go into the record. */
  readonly described: string | null
  readonly kind: 'allow' | 'deny'
  readonly ruling: Ruling
  closing: Closing | null
  readonly frames: { readonly direction: 'up' | 'down'; readonly text: string }[]
}

/** A runtime behind a listening socket on 127.0.0.1. */
export interface Serving extends AsyncDisposable {
  readonly port: number
  readonly actions: Recorded[]
  readonly refused: { readonly title: string; readonly reason: string }[]
  readonly faults: unknown[]
  /** Cancels every open flow. */
  cancel(): void
  /** Resolves when every action that was opened is closed. */
  settled(): Promise<void>
  /** Resolves when no flow is served. */
  idle(): Promise<void>
  /** Resolves when so many flows are served. */
  serving(flows: number): Promise<void>
}

/** Listens on 127.0.0.1 and takes every connection for a flow to one endpoint. */
export async function startServing<Settings>(parts: ServingParts<Settings>): Promise<Serving> {
  const actions = new Actions(parts)
  const running = new Set<Promise<void>>()
  const controllers = new Set<AbortController>()
  const faults: unknown[] = []
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const controller = new AbortController()
    controllers.add(controller)
    client.on('error', () => undefined)
    const served = parts
      .serve(actions.session(client, controller.signal))
      .catch((error: unknown) => void faults.push(error))
      .finally(() => controllers.delete(controller))
    running.add(served)
    void served.then(() => running.delete(served))
  })
  const cancel = () => {
    for (const controller of controllers) controller.abort(new ClawError('CP_CANCELLED', 'cancelled by the test'))
  }
  return {
    port: await listen(server),
    actions: actions.recorded,
    refused: actions.refused,
    faults,
    cancel,
    settled: () => actions.settled(),
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
    serving: async (flows) => {
      while (running.size < flows) await once(server, 'connection')
    },
    [Symbol.asyncDispose]: async () => {
      cancel()
      await Promise.all(running)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Judges and keeps what the sessions of one endpoint do. */
class Actions<Settings> {
  readonly recorded: Recorded[] = []
  readonly refused: { title: string; reason: string }[] = []
  readonly #parts: ServingParts<Settings>
  readonly #endpoint: Endpoint & { readonly settings: Settings }
  readonly #open = new Map<ActionId, Recorded>()
  readonly #rules: ReturnType<typeof compileRules>
  #judged = 0
  #waiting: (() => void)[] = []

  constructor(parts: ServingParts<Settings>) {
    const { protocol, hosts, settings, rules = [], credentials = [], unmatched = 'allow', families } = parts
    // a name of its own, so that gateways do not share connections
    const name = `endpoint-${newId()}` as EndpointName
    this.#parts = parts
    this.#endpoint = { name, protocol, hosts, settings, credentials, rules, unmatched, via: null }
    this.#rules = compileRules(rules, families, unmatched)
  }

  settled(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  session(client: net.Socket, signal: AbortSignal): Session<Settings> {
    const { limits, secrets = {}, targetName = null, target, certificate, dial } = this.#parts
    return {
      flow: { id: newId(), targetName, target } as Session['flow'],
      client,
      limits: { inspectBytes: 1 << 20, sampleBytes: 4096, ...limits } as Limits,
      signal,
      endpoint: () => this.#endpoint,
      // mostly at once, and later when it has to wait for something
      judge: (seen) => {
        const judged = this.#judge(seen)
        this.#judged += 1
        return this.#judged % 4 === 0 ? Promise.resolve(judged) : judged
      },
      frame: (action, direction, bytes) =>
        void this.#open.get(action.id)?.frames.push({ direction, text: Buffer.from(bytes).toString() }),
      close: (action, closing) => this.#close(action, closing),
      refuse: (title, reason) => void this.refused.push({ title, reason }),
      certificate,
      secret: async ({ name }) => secrets[name] ?? null,
      dial,
      now: () => Date.now() as ReturnType<Session['now']>,
    }
  }

  #judge(seen: Seen): { readonly action: Action; readonly ruling: ReturnType<typeof gate> } {
    const action = { id: newId() as ActionId, ...seen } as unknown as Action
    const context = { profile: 'lab', device: 'laptop', endpoint: this.#endpoint.name, nowMs: Date.now() }
    const { verdict } = judge(this.#rules, { ...seen, context })
    if (verdict.kind === 'ask') throw new Error('nobody can be asked here')
    const { obstacle = null } = seen
    const ruling: Ruling =
      verdict.kind === 'deny' || obstacle === null
        ? verdict
        : { kind: 'deny', decider: { by: 'failsafe', cause: obstacle.cause, rule: null }, reason: obstacle.reason }
    const described = seen.described === undefined ? null : describedText(seen.described)
    const recorded: Recorded = { seen, described, kind: ruling.kind, ruling, closing: null, frames: [] }
    if (this.#parts.isForgetful !== true) this.recorded.push(recorded)
    this.#open.set(action.id, recorded)
    return { action, ruling: gate(action.id, ruling) }
  }

  #close(action: Action, closing: Closing): void {
    const recorded = this.#open.get(action.id)
    if (recorded === undefined) throw new Error('closed twice')
    recorded.closing = closing
    this.#open.delete(action.id)
    if (this.#open.size > 0) return
    for (const each of this.#waiting) each()
    this.#waiting = []
  }
}

/** A connection to 127.0.0.1. */
export function dialLocal(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/** Makes a server listen on 127.0.0.1; its port. */
export async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as net.AddressInfo).port
}

/** An allow rule, or with a reason a deny rule. */
export function aRule(name: string, when: string | null, reason?: string): Rule {
  const outcome = reason === undefined ? ({ do: 'allow' } as const) : ({ do: 'deny', reason } as const)
  return { name: name as RuleName, priority: 0, when, credential: null, outcome, mode: 'enforce' }
}

/** A credential with this name and type. */
export function aCredential(name: string, type: string, rest: Partial<CredentialUse> = {}): CredentialUse {
  return { name: name as CredentialName, type, settings: {}, disambiguator: {}, ...rest }
}
