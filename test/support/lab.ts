import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, makeAuthority } from './authority.ts'
import { clawpatrol, type Finished, type Running, run, start } from './program.ts'

/** What a policy text may refer to. */
export interface Place {
  readonly dir: string
  readonly authority: Authority
  readonly wireguardPort: number
  readonly apiPort: number
}

/** A real gateway process, an enrolled device and the commands that use it. */
export interface Lab extends AsyncDisposable, Place {
  readonly gateway: Running
  /** When the gateway said it is ready, on the clock of `performance.now()`, ms. */
  readonly readyAt: number
  readonly env: NodeJS.ProcessEnv
  /** Runs a command the way an agent's user does: `clawpatrol run -- …`. */
  run(words: readonly string[], options?: { input?: string; env?: NodeJS.ProcessEnv }): Promise<Finished>
  startRun(words: readonly string[]): Running
  /** Any other `clawpatrol` command, as operator and client at once. */
  cli(words: readonly string[], input?: string): Promise<Finished>
  /** Recorded actions, oldest first. */
  records(...filters: string[]): Promise<readonly LabRecord[]>
  /** Rewrites the policy file; the gateway notices by itself. */
  rewrite(text: string): void
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
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: dir,
    CLAWPATROL_DIR: join(dir, 'client'),
    CLAWPATROL_STATE: join(dir, 'state'),
    NO_COLOR: '1',
  }
  const config = join(dir, 'gateway.hcl')
  const write = (policy: string) =>
    writeFileSync(config, `${gatewayBlock(place, options.gatewayLines ?? [])}\n${policy}`)
  write(await options.policy(place))
  const cli = (words: readonly string[], input?: string) => run(process.execPath, [clawpatrol, ...words], env, input)
  for (const [name, value] of Object.entries(options.secrets ?? {})) expectOk(await cli(['secret', 'set', name], value))
  const gateway = start(process.execPath, [clawpatrol, 'gateway', config], env)
  const dispose = async () => {
    gateway.child.kill('SIGTERM')
    await gateway.finished
    rmSync(dir, { recursive: true, force: true })
  }
  let readyAt = 0
  try {
    await gateway.saw(/ready/i, 30_000)
    readyAt = performance.now()
    await enrol(place, env, cli)
  } catch (error) {
    gateway.child.kill('SIGKILL')
    throw new Error(`${error instanceof Error ? error.message : error}\ngateway said:\n${gateway.output()}`)
  }
  return {
    ...place,
    gateway,
    readyAt,
    env,
    cli,
    run: (words, more = {}) =>
      run(process.execPath, [clawpatrol, 'run', '--', ...words], { ...env, ...more.env }, more.input ?? ''),
    startRun: (words) => start(process.execPath, [clawpatrol, 'run', '--', ...words], env),
    records: async (...filters) => {
      const listed = expectOk(await cli(['logs', '--json', '-n', '1000', ...filters]))
      return listed.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LabRecord)
    },
    rewrite: write,
    [Symbol.asyncDispose]: dispose,
  }
}

/** Fails loudly, with everything the program said, unless it ended with 0. */
export function expectOk(finished: Finished): Finished {
  if (finished.code === 0) return finished
  throw new Error(`exit code ${finished.code ?? finished.signal}\n${finished.stdout}\n${finished.stderr}`)
}

async function enrol(place: Place, env: NodeJS.ProcessEnv, cli: Lab['cli']): Promise<void> {
  const join = start(
    process.execPath,
    [clawpatrol, 'join', `http://127.0.0.1:${place.apiPort}`, '--no-trust', '--hostname', 'lab'],
    env,
  )
  const [code] = await join.saw(/[A-Z]{4}-[2-9]{4}/)
  expectOk(await cli(['device', 'approve', code]))
  expectOk(await join.finished)
}

function gatewayBlock(place: Place, more: readonly string[]): string {
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

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
