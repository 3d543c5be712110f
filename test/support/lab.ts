import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeTcpPort, freeUdpPort } from '../../gateway/demo/free-ports.ts'
import { type Authority, makeAuthority } from './authority.ts'
import { type Device, deviceOf, enrol, expectOk, otherMachine } from './device.ts'
import { clawpatrol, type Finished, type Running, run, start } from './program.ts'

/** What a policy text may refer to. */
export interface Place {
  readonly dir: string
  readonly authority: Authority
  readonly wireguardPort: number
  readonly apiPort: number
}

/** A real gateway process, an enrolled device and the commands that use it. */
export interface Lab extends AsyncDisposable, Place, Device {
  /** The gateway's process; another one after `restart`. */
  readonly gateway: Running
  /** Where devices join. */
  readonly url: string
  readonly stateDir: string
  /** When the gateway said it is ready, on the clock of `performance.now()`, ms. */
  readonly readyAt: number
  /** Recorded actions, oldest first. */
  records(...filters: string[]): Promise<readonly LabRecord[]>
  /** Rewrites the policy file; the gateway notices by itself. */
  rewrite(text: string): void
  /** Enrols one more machine. */
  device(name: string, profile?: string): Promise<Device>
  /** Ends the gateway and waits for that. */
  stop(signal?: NodeJS.Signals): Promise<Finished>
  /** Starts a gateway where one has stopped; resolves when it is ready. */
  restart(): Promise<void>
}

/** A row of `clawpatrol logs --json`. */
export type LabRecord = { readonly [column: string]: unknown }

/** What differs between labs. */
export interface LabOptions {
  /** Host names the upstream certificate is for. */
  readonly names: readonly string[]
  /** The policy, everything but the gateway block. */
  readonly policy: (place: Place) => string | Promise<string>
  /** Secrets to store before the gateway starts, by credential name. */
  readonly secrets?: { readonly [credential: string]: string }
  /** More lines of the gateway block. */
  readonly gatewayLines?: readonly string[]
  /** More variables for the gateway. */
  readonly gatewayEnv?: NodeJS.ProcessEnv
  /** Profile of the first device. */
  readonly profile?: string
  readonly surroundings?: Surroundings
}

/** Where a gateway runs that does not simply run on this host. */
export interface Surroundings {
  /** The words that start the gateway there; the process stays the same. */
  starting(words: readonly string[], place: Place): readonly string[]
  /** The words that run an operator's command beside it. */
  beside(words: readonly string[], pid: number): readonly string[]
}

/** Starts a gateway on loopback and enrols this machine the way a person would: join, compare, approve. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-lab-'))
  const place: Place = {
    dir,
    authority: makeAuthority(dir, options.names),
    wireguardPort: await freeUdpPort(),
    apiPort: await freeTcpPort(),
  }
  const url = `http://127.0.0.1:${place.apiPort}`
  const stateDir = join(dir, 'state')
  const env = labEnvironment(dir)
  const config = join(dir, 'gateway.hcl')
  const write = (policy: string) =>
    writeFileSync(config, `${gatewayBlock(place, options.gatewayLines ?? [])}\n${policy}`)
  write(await options.policy(place))
  const own = deviceOf(env)
  for (const [name, value] of Object.entries(options.secrets ?? {}))
    expectOk(await own.cli(['secret', 'set', name], value))
  const { surroundings = here } = options
  const begin = (): Running => {
    const words = surroundings.starting([process.execPath, clawpatrol, 'gateway', config], place)
    return start(words[0] ?? '', words.slice(1), { ...env, ...options.gatewayEnv })
  }
  let gateway = begin()
  const operator = (words: readonly string[], input?: string) => {
    const whole = surroundings.beside([process.execPath, clawpatrol, ...words], gateway.child.pid ?? 0)
    return run(whole[0] ?? '', whole.slice(1), env, input)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    gateway.child.kill(signal)
    return await gateway.finished
  }
  let readyAt = 0
  const isReady = async () => {
    await gateway.saw(/ready/i, 30_000)
    readyAt = performance.now()
  }
  try {
    await isReady()
    const profile = options.profile === undefined ? {} : { profile: options.profile }
    await enrol({ url, name: 'lab', env, operator, ...profile })
  } catch (error) {
    await stop('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
    throw new Error(`${error instanceof Error ? error.message : error}\ngateway said:\n${gateway.output()}`)
  }
  return {
    ...place,
    ...own,
    cli: operator,
    url,
    stateDir,
    get gateway() {
      return gateway
    },
    get readyAt() {
      return readyAt
    },
    records: async (...filters) => {
      const listed = expectOk(await operator(['logs', '--json', '-n', '1000', ...filters]))
      return recordsIn(listed.stdout)
    },
    rewrite: write,
    device: async (name, profile) => {
      const other = otherMachine(env, name)
      mkdirSync(other.HOME ?? '', { recursive: true })
      await enrol({ url, name, env: other, operator, ...(profile === undefined ? {} : { profile }) })
      return deviceOf(other)
    },
    stop,
    restart: async () => {
      gateway = begin()
      await isReady()
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** The rows `clawpatrol logs --json` printed. */
export function recordsIn(printed: string): readonly LabRecord[] {
  const lines = printed.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as LabRecord)
}

/** Environment of a host with nothing on it but what a lab keeps in a folder. */
export function labEnvironment(dir: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: dir,
    CLAWPATROL_DIR: join(dir, 'client'),
    CLAWPATROL_STATE: join(dir, 'state'),
    NO_COLOR: '1',
  }
}

const here: Surroundings = { starting: (words) => words, beside: (words) => words }

/** The gateway block of a lab, with more lines in it. */
export function gatewayBlock(place: Omit<Place, 'authority'>, more: readonly string[] = []): string {
  return `schema_version = 1

gateway {
  state_dir        = ${JSON.stringify(join(place.dir, 'state'))}
  dashboard_listen = "127.0.0.1:${place.apiPort}"
${more.map((line) => `  ${line}\n`).join('')}
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    listen_port = ${place.wireguardPort}
    endpoint    = "127.0.0.1:${place.wireguardPort}"
  }
}
`
}
