import { execFile } from 'node:child_process'
import net from 'node:net'
import type { Action } from '../../contract/action.ts'
import { ClawError } from '../../contract/errors.ts'
import { sql } from '../../contract/families/sql.ts'
import type { ActionId, CredentialName, EndpointName, RuleName } from '../../contract/ids.ts'
import type { Certificate, Secret } from '../../contract/messages.ts'
import { newId } from '../../contract/new-id.ts'
import type { Closing, Seen, Session } from '../../contract/plugin.ts'
import type { CredentialUse, Endpoint, Limits, Rule } from '../../contract/profile.ts'
import type { Ruling } from '../../contract/verdict.ts'
import { compileRules } from '../../rules/compile.ts'
import { gate } from '../../rules/gate.ts'
import { judge } from '../../rules/judge.ts'
import type { PostgresSettings } from './definition.ts'

/** What a gateway of the tests serves. */
export interface GatewayParts {
  /** Serves one flow. */
  readonly serve: (session: Session<PostgresSettings>) => Promise<void>
  readonly settings: Pick<PostgresSettings, 'host'> & Partial<PostgresSettings>
  /** Port of the server on 127.0.0.1, whatever `settings` call it. */
  readonly serverPort: number
  /** Shown to agents. */
  readonly certificate?: Certificate
  readonly rules?: readonly Rule[]
  readonly unmatched?: 'allow' | 'deny'
  readonly credentials?: readonly CredentialUse[]
  readonly secrets?: { readonly [credential: string]: Secret | null }
  readonly limits?: Partial<Limits>
  /** Name the agent asked for; null: it came by address. */
  readonly targetName?: string | null
}

/** One action as it was recorded. */
export interface Recorded {
  readonly seen: Seen
  readonly kind: 'allow' | 'deny'
  readonly ruling: Ruling
  closing: Closing | null
}

/** A runtime behind a listening socket. */
export interface Gateway extends AsyncDisposable {
  readonly port: number
  readonly actions: Recorded[]
  readonly refused: { readonly title: string; readonly reason: string }[]
  readonly faults: unknown[]
  /** Names a certificate was asked for. */
  readonly certified: string[]
  /** Addresses that were dialled. */
  readonly dialled: string[]
  /** Cancels every open flow. */
  cancel(): void
  /** Resolves when no flow is served. */
  idle(): Promise<void>
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to the endpoint's server. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { rules = [], credentials = [], secrets = {}, unmatched = 'allow' } = parts
  const settings: PostgresSettings = { sslmode: undefined, ca_cert: undefined, ...parts.settings }
  const endpoint = {
    name: 'db' as EndpointName,
    protocol: 'postgres',
    hosts: [settings.host],
    settings,
    credentials,
    rules,
    unmatched,
    via: null,
  } satisfies Endpoint
  const set = compileRules(rules, [sql], unmatched)
  const open = new Map<ActionId, Recorded>()
  const serving = new Set<Promise<void>>()
  const controllers = new Set<AbortController>()
  const gateway = {
    port: 0,
    actions: [] as Recorded[],
    refused: [] as { title: string; reason: string }[],
    faults: [] as unknown[],
    certified: [] as string[],
    dialled: [] as string[],
    cancel: () => {
      for (const controller of controllers) controller.abort(new ClawError('CP_CANCELLED', 'cancelled by the test'))
    },
    idle: async () => {
      while (serving.size > 0) await Promise.all(serving)
    },
    [Symbol.asyncDispose]: async () => {
      gateway.cancel()
      await Promise.all(serving)
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const controller = new AbortController()
    controllers.add(controller)
    client.on('error', () => undefined)
    const served = parts
      .serve(sessionFor(client, controller.signal))
      .catch((error: unknown) => void gateway.faults.push(error))
      .finally(() => controllers.delete(controller))
    serving.add(served)
    void served.then(() => serving.delete(served))
  })
  function sessionFor(client: net.Socket, signal: AbortSignal): Session<PostgresSettings> {
    const limits = { inspectBytes: 1 << 20, sampleBytes: 4096, ...parts.limits } as Limits
    const target = { host: '192.0.2.1', port: 5432 }
    return {
      flow: { id: newId(), targetName: parts.targetName ?? null, target } as Session['flow'],
      client,
      limits,
      signal,
      endpoint: () => endpoint,
      judge: async (seen) => {
        const action = { id: newId() as ActionId, ...seen } as unknown as Action
        const context = { profile: 'lab', device: 'laptop', endpoint: endpoint.name, nowMs: Date.now() }
        const { verdict: ruled } = judge(set, { ...seen, context })
        if (ruled.kind === 'ask') throw new Error('nobody can be asked here')
        const { obstacle = null } = seen
        const verdict: Ruling =
          ruled.kind === 'deny' || obstacle === null
            ? ruled
            : { kind: 'deny', decider: { by: 'failsafe', cause: obstacle.cause, rule: null }, reason: obstacle.reason }
        const recorded: Recorded = { seen, kind: verdict.kind, ruling: verdict, closing: null }
        gateway.actions.push(recorded)
        open.set(action.id, recorded)
        return { action, ruling: gate(action.id, verdict) }
      },
      frame: () => undefined,
      close: (action, closing) => {
        const recorded = open.get(action.id)
        if (recorded === undefined) throw new Error('closed twice')
        recorded.closing = closing
        open.delete(action.id)
      },
      refuse: (title, reason) => void gateway.refused.push({ title, reason }),
      certificate: async (name) => {
        gateway.certified.push(name)
        if (parts.certificate === undefined) throw new ClawError('CP_TLS', 'this gateway has no certificate')
        return parts.certificate
      },
      secret: async ({ name }) => secrets[name] ?? null,
      dial: ({ host, port }) => {
        gateway.dialled.push(`${host}:${port}`)
        return new Promise((resolve, reject) => {
          const to = { host: '127.0.0.1', port: parts.serverPort, allowHalfOpen: true, noDelay: true }
          const socket = net.connect(to, () => {
            socket.off('error', reject)
            resolve(socket)
          })
          socket.once('error', reject)
        })
      },
      now: () => Date.now() as ReturnType<Session['now']>,
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gateway.port = (server.address() as net.AddressInfo).port
  return gateway
}

/** What a program wrote and how it ended. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** Runs psql without any password, with words of a connection string and statements, one -c each. */
export function psql(connection: string, ...statements: string[]): Promise<Ran> {
  const words = ['-X', '-A', '-t', '-w', '-d', connection, ...statements.flatMap((text) => ['-c', text])]
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', PGCONNECT_TIMEOUT: '10' }
  return new Promise((resolve) => {
    const child = execFile('psql', words, { env, timeout: 20_000 }, (_, stdout, stderr) =>
      resolve({ stdout: stdout.trim(), stderr: stderr.trim(), code: child.exitCode }),
    )
  })
}

/** An allow rule, or with a reason a deny rule. */
export function aRule(name: string, when: string | null, reason?: string): Rule {
  const outcome = reason === undefined ? ({ do: 'allow' } as const) : ({ do: 'deny', reason } as const)
  return { name: name as RuleName, priority: 0, when, credential: null, outcome, mode: 'enforce' }
}

/** A postgres_credential of a user; with `by`, picked by these fields. */
export function aLogin(name: string, user: string, by: CredentialUse['disambiguator'] = {}): CredentialUse {
  return { name: name as CredentialName, type: 'postgres_credential', settings: { user }, disambiguator: by }
}

/** An mtls_credential. */
export function aClientCertificate(name: string): CredentialUse {
  return { name: name as CredentialName, type: 'mtls_credential', settings: {}, disambiguator: {} }
}
