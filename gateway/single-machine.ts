import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { captureProblems } from '../onboard/capture/prerequisites.ts'
import { joinGateway } from '../onboard/client/join.ts'
import { ClawError } from '../workers/contract/errors.ts'
import type { LoadedPolicy } from './config/load-policy.ts'
import type { Policy } from './config/policy.ts'
import { openDemo } from './demo/open-demo.ts'
import type { ProcessLog } from './log.ts'
import { startGateway } from './main.ts'
import { Shutdown } from './shutdown.ts'
import type { ActionView } from './store/action-view.ts'

/** Gateway, device and, without a configuration of one's own, the demo upstreams: all on this machine. */
export interface Machine {
  readonly url: string
  readonly stateDir: string
  readonly configPath: string
  readonly isDemo: boolean
  /** What `clawpatrol` commands need in their environment to find this gateway and this device. */
  readonly env: NodeJS.ProcessEnv
  /** Finished actions until the machine stops. */
  actions(): AsyncIterable<ActionView>
  /** Runs a command the way `clawpatrol run` does. @returns its exit code */
  run(words: readonly string[]): Promise<number>
  runDemo(): Promise<number>
  /** Resolves when what has ended is on record. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** What starting it needs. */
export interface MachineOptions {
  /** null: the demo. */
  readonly config: string | null
  readonly log: ProcessLog
  /** Loads a configuration, says what is wrong with it; null: it cannot be started with. */
  readonly load: (path: string) => Promise<(LoadedPolicy & { readonly policy: Policy }) | null>
}

const program = fileURLToPath(new URL(`${upToRoot()}scripts/clawpatrol.mjs`, import.meta.url))
const demoAgent = fileURLToPath(new URL('./demo/run-agent.js', import.meta.url))

/**
 * Starts it.
 * @returns null when the configuration was refused
 * @throws ClawError for whatever keeps it from running
 */
export async function startMachine({ config, log, load }: MachineOptions): Promise<Machine | null> {
  await checkCapture()
  const dir = process.env.CLAWPATROL_DEV ?? join(homedir(), '.clawpatrol-dev')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const shutdown = new Shutdown({ stepMs: 10_000, onTrouble: (step, error) => log.error('shutdown', { step, error }) })
  try {
    const configPath = config ?? shutdown.use('demo', await openDemo(dir)).configPath
    const loaded = await load(configPath)
    if (loaded === null) {
      await shutdown.run()
      return null
    }
    const gateway = await startGateway({ configPath, loaded, log })
    shutdown.defer('gateway', () => gateway.stop())
    const clientDir = join(dir, 'client')
    await enrol(gateway, clientDir)
    const env = { ...process.env, CLAWPATROL_DIR: clientDir, CLAWPATROL_STATE: gateway.stateDir }
    const feed = gateway.live.subscribe()
    const run = (words: readonly string[]) => runThrough(words, env)
    return {
      url: gateway.url,
      stateDir: gateway.stateDir,
      configPath,
      isDemo: config === null,
      env,
      actions: () => feed,
      run,
      runDemo: () => run([process.execPath, demoAgent]),
      settled: () => gateway.settled(),
      stop: () => shutdown.run(),
    }
  } catch (error) {
    await shutdown.run()
    throw error
  }
}

/** Names everything that keeps namespaces from working, all at once, before anything is started. */
async function checkCapture(): Promise<void> {
  const problems = await captureProblems()
  if (problems.length === 0) return
  throw new ClawError('CP_CAPTURE', problems.map(({ message, fix }) => `${message} (${fix})`).join('; '))
}

/** Joins like any other machine would, and approves it like an operator would. */
async function enrol(gateway: Awaited<ReturnType<typeof startGateway>>, dir: string): Promise<void> {
  let approving: Promise<unknown> = Promise.resolve()
  await joinGateway({
    url: gateway.url,
    dir,
    hostname: 'this-machine',
    profile: null,
    transport: 'wireguard',
    insecureHttp: false,
    show: ({ userCode }) => {
      approving = gateway.joins.approve(userCode, { profile: null, approvedBy: 'clawpatrol dev' })
    },
  })
  await approving
}

function runThrough(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, [program, 'run', '--', ...words], { stdio: 'inherit', env })
  // the terminal tells the child as well; it is its to decide what comes of it
  const ignore = () => undefined
  const forward = () => child.kill('SIGTERM')
  process.on('SIGINT', ignore)
  process.on('SIGTERM', forward)
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 143)))
  }).finally(() => {
    process.off('SIGINT', ignore)
    process.off('SIGTERM', forward)
  })
}

/** Compiled code is one folder deeper than its source. */
function upToRoot(): string {
  return existsSync(new URL('../scripts/clawpatrol.mjs', import.meta.url)) ? '../' : '../../'
}
