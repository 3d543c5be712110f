import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Shutdown } from '../../gateway/shutdown.ts'
import { makeAuthority } from '../support/authority.ts'
import { expectOk } from '../support/device.ts'
import { type LabRecord, labEnvironment, recordsIn } from '../support/lab.ts'
import { clawpatrol, type Finished, type Running, run } from '../support/program.ts'
import { type Control, startControl } from './control.ts'
import { type LabMachine, type MachineOptions, type TailnetLab, tailnetLab } from './lab.ts'

const port = 8080
const upstreamPort = 9443
const oauth = { id: 'client-id', secret: 'client-secret-8d1f' }
/** What the gateway puts in for agents. */
export const token = 'upstream-secret-5f0c1d7a99e24b1f'
/** Host name of the upstream. */
export const host = 'api.example.test'

/** A machine that has joined the gateway over the tailnet. */
export interface Member {
  readonly machine: LabMachine
  readonly env: NodeJS.ProcessEnv
  run(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>
  startRun(words: readonly string[], input?: string | null): Running
  cli(words: readonly string[]): Promise<Finished>
}

/** A gateway in a tailnet of our own, with an upstream beside it, in namespaces without a way out. */
export interface GatewayLab extends AsyncDisposable {
  readonly lab: TailnetLab
  readonly control: Control
  readonly gateway: Running
  readonly dir: string
  /** Where devices join. */
  readonly url: string
  /** A command of the operator on the gateway's host. */
  operator(words: readonly string[]): Promise<Finished>
  /** Starts to join; it shows a code and waits. */
  startJoin(name: string, words?: readonly string[]): Running
  /** Joins and is approved. @param machine one of the lab's */
  member(machine: string, words?: readonly string[]): Promise<Member>
  /** The machine of a name as a member, whether or not it has joined. */
  machine(name: string): Member
  records(...filters: string[]): Promise<readonly LabRecord[]>
  stop(signal?: NodeJS.Signals): Promise<Finished>
  /** Starts a gateway where one has stopped; resolves when it is in the tailnet. */
  restart(): Promise<void>
}

/** What differs between labs. */
export interface GatewayLabOptions {
  readonly machines: readonly (string | MachineOptions)[]
  /** More blocks of the policy. */
  readonly policy?: string
  /** More lines of the gateway block, and of its tailscale block. */
  readonly gatewayLines?: readonly string[]
  readonly tailscaleLines?: readonly string[]
  readonly autoApprove?: boolean
  /** Scopes of the gateway's API client. */
  readonly scopes?: readonly string[]
  /** Where all look for the control server, and find what the test starts there; its own unless given. */
  readonly controlUrl?: string
  /** Readies the lab's directory before the gateway starts; yields more variables for the gateway. */
  readonly prepare?: (dir: string) => NodeJS.ProcessEnv
}

/** Starts it; resolves when the gateway is in the tailnet. */
export async function startGatewayLab(options: GatewayLabOptions): Promise<GatewayLab> {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-tailnet-'))
  const troubles: unknown[] = []
  const shutdown = new Shutdown({ stepMs: 20_000, onTrouble: (_step, error) => troubles.push(error) })
  const end = async () => {
    await shutdown.run()
    if (troubles.length > 0) throw troubles[0]
  }
  try {
    shutdown.defer('folder', () => rmSync(dir, { recursive: true, force: true }))
    const lab = shutdown.use('lab', await tailnetLab(options.machines))
    const { world } = lab
    const scopes = options.scopes ?? ['auth_keys', 'devices:core', 'devices:routes']
    const control = shutdown.use(
      'control',
      await startControl({
        within: world.within,
        listen: world.address,
        oauthClients: [{ ...oauth, scopes }],
        autoApprove: options.autoApprove ?? true,
      }),
    )
    const authority = makeAuthority(dir, [host])
    const env = labEnvironment(dir)
    const { key } = await control.mint({ tags: ['tag:gateway'] })
    const config = join(dir, 'gateway.hcl')
    writeFileSync(config, configOf({ dir, control, key, caFile: authority.caFile, address: world.address }, options))
    expectOk(await run(process.execPath, [clawpatrol, 'secret', 'set', 'token'], env, token))
    const echo = [fileURLToPath(new URL('./https-echo.mjs', import.meta.url)), String(upstreamPort)]
    const upstream = shutdown.use(
      'upstream',
      world.start([process.execPath, ...echo, authority.certFile, authority.keyFile], { ...env, TOKEN: token }),
    )
    await upstream.saw(/listening/)
    const gatewayEnv = { ...env, ...options.prepare?.(dir) }
    const begin = async () => {
      const started = world.start([process.execPath, clawpatrol, 'gateway', config], gatewayEnv)
      await started.saw(/is ready/, 30_000)
      await started.saw(/tailnet\.(routes|down|routes_not_approved)"/, 60_000)
      return started
    }
    let gateway = await begin()
    shutdown.defer('gateway', () => gateway[Symbol.asyncDispose]())
    const operator = (words: readonly string[]) => world.run([process.execPath, clawpatrol, ...words], env)
    const url = `https://${world.address}:${port}`
    const machine = (name: string): Member => memberOf(lab.machine(name), machineEnvironment(env, name))
    const startJoin = (name: string, words: readonly string[] = []) =>
      lab
        .machine(name)
        .start(
          [process.execPath, clawpatrol, 'join', url, '--no-trust', '--hostname', name, ...words],
          machineEnvironment(env, name),
        )
    const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
      gateway.child.kill(signal)
      return await gateway.finished
    }
    return {
      lab,
      control,
      dir,
      url,
      get gateway() {
        return gateway
      },
      operator,
      startJoin,
      machine,
      async member(name, words) {
        await using joining = startJoin(name, words)
        const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
        expectOk(await operator(['device', 'approve', code]))
        expectOk(await joining.finished)
        return machine(name)
      },
      records: async (...filters) => {
        const listed = expectOk(await operator(['logs', '--json', '-n', '1000', ...filters]))
        return recordsIn(listed.stdout)
      },
      stop,
      restart: async () => {
        gateway = await begin()
      },
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await shutdown.run()
    throw error
  }
}

function memberOf(machine: LabMachine, env: NodeJS.ProcessEnv): Member {
  const own = (words: readonly string[]) => [process.execPath, clawpatrol, ...words]
  return {
    machine,
    env,
    run: (words, more = {}) => machine.run(own(['run', '--', ...words]), { ...env, ...more }, ''),
    startRun: (words, input) => machine.start(own(['run', '--', ...words]), env, input),
    cli: (words) => machine.run(own(words), env),
  }
}

function machineEnvironment(env: NodeJS.ProcessEnv, name: string): NodeJS.ProcessEnv {
  const home = join(env.HOME ?? '', name)
  mkdirSync(home, { recursive: true })
  const { CLAWPATROL_STATE: _none, ...others } = env
  return { ...others, HOME: home, CLAWPATROL_DIR: join(home, 'client') }
}

interface Place {
  readonly dir: string
  readonly control: Control
  readonly key: string
  readonly caFile: string
  readonly address: string
}

function configOf({ dir, control, key, caFile, address }: Place, options: GatewayLabOptions): string {
  const indented = (lines: readonly string[] = [], by: string) => lines.map((line) => `${by}${line}\n`).join('')
  return `schema_version = 1

gateway {
  state_dir        = ${JSON.stringify(join(dir, 'state'))}
  dashboard_listen = "${address}:${port}"
${indented(options.gatewayLines, '  ')}
  tailscale {
    authkey             = "${key}"
    hostname            = "gateway"
    control_url         = "${options.controlUrl ?? control.controlUrl}"
    api_url             = "${control.apiUrl}"
    oauth_client_id     = "${oauth.id}"
    oauth_client_secret = "${oauth.secret}"
    operators           = ["owner@example.com"]
${indented(options.tailscaleLines, '    ')}  }
}

endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${upstreamPort}"
  ca_cert  = "<<file:${caFile}>>"
}
credential "bearer_token" "token" {
  endpoint = https.api
}
rule "no-delete" {
  endpoint  = https.api
  condition = "http.method == 'DELETE'"
  verdict   = "deny"
  reason    = "nothing is deleted here"
}
${options.policy ?? ''}
profile "default" {
  credentials = [bearer_token.token]
}
`
}
