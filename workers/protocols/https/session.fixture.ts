import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Action } from '../../contract/action.ts'
import { describedText } from '../../contract/described-text.ts'
import { http } from '../../contract/families/http.ts'
import type { ActionId, CredentialName, EndpointName, RuleName } from '../../contract/ids.ts'
import type { Certificate, Secret } from '../../contract/messages.ts'
import { newId } from '../../contract/new-id.ts'
import type { Closing, Seen, Session } from '../../contract/plugin.ts'
import type { CredentialUse, Endpoint, Limits, Rule } from '../../contract/profile.ts'
import type { Ruling } from '../../contract/verdict.ts'
import { compileRules } from '../../rules/compile.ts'
import { gate } from '../../rules/gate.ts'
import { judge } from '../../rules/judge.ts'
import type { HttpsSettings } from './definition.ts'
import { https } from './runtime.ts'

/** Certificates of the tests: one authority for both legs. */
export interface Pki extends Disposable {
  readonly ca: string
  readonly caFile: string
  readonly server: Certificate
  readonly client: Certificate
  readonly stranger: Certificate
}

/** Makes an authority, a certificate of it for the names, a client's, and one nobody trusts. */
export function makePki(names: readonly string[]): Pki {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-pki-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA')
  writeFileSync(join(dir, 'ext'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')},IP:127.0.0.1\n`)
  const read = (name: string) => readFileSync(join(dir, name), 'utf8')
  const issue = (name: string): Certificate => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3', '-extfile', 'ext']
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`)
    return { key: read(`${name}.key`), chain: read(`${name}.pem`), renewAt: Number.POSITIVE_INFINITY }
  }
  const server = issue('server')
  const client = issue('client')
  openssl('req', '-x509', ...key, '-keyout', 'x.key', '-out', 'x.pem', '-subj', '/CN=nobody')
  const stranger = { key: read('x.key'), chain: read('x.pem'), renewAt: Number.POSITIVE_INFINITY }
  return {
    ca: read('ca.pem'),
    caFile: join(dir, 'ca.pem'),
    server,
    client,
    stranger,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** What a gateway of the tests serves. */
export interface GatewayParts {
  readonly pki: Pki
  readonly host: string
  /** Port of the upstream on 127.0.0.1. */
  readonly upstreamPort: number
  readonly rules?: readonly Rule[]
  readonly credentials?: readonly CredentialUse[]
  readonly secrets?: { readonly [credential: string]: Secret | null }
  readonly limits?: Partial<Limits>
  readonly settings?: Partial<HttpsSettings>
  /** Keeps no actions: for benches. */
  readonly isForgetful?: boolean
}

/** One action as it was recorded. */
export interface Recorded {
  readonly seen: Seen
  /** As it would go into the record. */
  readonly described: string | null
  readonly kind: 'allow' | 'deny'
  closing: Closing | null
  readonly frames: { readonly direction: 'up' | 'down'; readonly text: string }[]
}

/** The https runtime behind a listening socket. */
export interface Gateway extends AsyncDisposable {
  readonly port: number
  readonly actions: Recorded[]
  readonly refused: { readonly title: string; readonly reason: string }[]
  readonly faults: unknown[]
  /** Connections made to the upstream. */
  dials: number
  /** Cancels every open flow. */
  cancel(): void
  /** Resolves when every action that was opened is closed. */
  settled(): Promise<void>
  /** Resolves when no flow is served. */
  idle(): Promise<void>
  /** Resolves when so many flows are served. */
  serving(flows: number): Promise<void>
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to `host` port 443. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { pki, host, upstreamPort, rules = [], credentials = [], secrets = {} } = parts
  const settings = { hosts: [host], upstream: `127.0.0.1:${upstreamPort}`, ca_cert: pki.ca, ...parts.settings }
  const endpoint = {
    // its own, so that gateways do not share connections
    name: `api-${newId()}` as EndpointName,
    protocol: 'https',
    hosts: settings.hosts,
    settings,
    credentials,
    rules,
    unmatched: 'allow',
    via: null,
  } satisfies Endpoint
  const set = compileRules(rules, [http], 'allow')
  const open = new Map<ActionId, Recorded>()
  const serving = new Set<Promise<void>>()
  const controllers = new Set<AbortController>()
  let waiting: (() => void)[] = []
  const gateway = {
    port: 0,
    actions: [] as Recorded[],
    refused: [] as { title: string; reason: string }[],
    faults: [] as unknown[],
    dials: 0,
    cancel: () => {
      for (const controller of controllers) controller.abort()
    },
    settled: () => (open.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve))),
    idle: async () => {
      while (serving.size > 0) await Promise.all(serving)
    },
    serving: async (flows: number) => {
      while (serving.size < flows) await once(server, 'connection')
    },
    [Symbol.asyncDispose]: async () => {
      gateway.cancel()
      await Promise.all(serving)
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const controller = new AbortController()
    controllers.add(controller)
    client.on('error', () => undefined)
    const served = https
      .serve(sessionFor(client, controller.signal))
      .catch((error: unknown) => void gateway.faults.push(error))
      .finally(() => controllers.delete(controller))
    serving.add(served)
    void served.then(() => serving.delete(served))
  })
  function sessionFor(client: net.Socket, signal: AbortSignal): Session<HttpsSettings> {
    const limits = { inspectBytes: 1 << 20, sampleBytes: 4096, ...parts.limits } as Limits
    return {
      flow: { id: newId(), targetName: null, target: { host: '192.0.2.1', port: 443 } } as Session['flow'],
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
        const described = seen.described === undefined ? null : describedText(seen.described)
        const recorded: Recorded = { seen, described, kind: verdict.kind, closing: null, frames: [] }
        if (parts.isForgetful !== true) gateway.actions.push(recorded)
        open.set(action.id, recorded)
        return { action, ruling: gate(action.id, verdict) }
      },
      frame: (action, direction, bytes) =>
        void open.get(action.id)?.frames.push({ direction, text: Buffer.from(bytes).toString() }),
      close: (action, closing) => {
        const recorded = open.get(action.id)
        if (recorded === undefined) throw new Error('closed twice')
        recorded.closing = closing
        open.delete(action.id)
        if (open.size > 0) return
        for (const each of waiting) each()
        waiting = []
      },
      refuse: (title, reason) => void gateway.refused.push({ title, reason }),
      certificate: async () => pki.server,
      secret: async ({ name }) => secrets[name] ?? null,
      dial: (to) => {
        gateway.dials += 1
        return new Promise((resolve, reject) => {
          const socket = net.connect({ ...to, allowHalfOpen: true }, () => resolve(socket))
          socket.on('error', reject)
        })
      },
      now: () => Date.now() as ReturnType<Session['now']>,
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gateway.port = (server.address() as net.AddressInfo).port
  return gateway
}

/** Runs curl against a gateway under the real host name; resolves with what it wrote. */
export function curl(gateway: Gateway, pki: Pki, ...args: string[]): Promise<string> {
  const to = ['--connect-to', `::127.0.0.1:${gateway.port}`, '--cacert', pki.caFile, '--max-time', '10']
  return new Promise((resolve, reject) => {
    execFile('curl', ['-sS', ...to, ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(stderr))
    })
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
