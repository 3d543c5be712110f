import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a finished program ended and what it said. */
export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program still running, whose output can be waited for. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves with the first match in stdout or stderr so far or to come; rejects when the program ends first. */
  saw(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  output(): string
}

/** Path of the `clawpatrol` command of this checkout. */
export const clawpatrol = fileURLToPath(new URL(`${upToRoot()}scripts/clawpatrol.mjs`, import.meta.url))

/** Root folder of this checkout. */
export const projectRoot = fileURLToPath(new URL(upToRoot(), import.meta.url))

/**
 * Starts a program; what it still runs when the scope ends is ended with SIGKILL by pid.
 * @param input all of its standard input; null leaves that open for `child.stdin`
 */
export function start(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input?: string | null,
): Running {
  const child = spawn(command, args, { env, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
  // what ended before it read everything says so by its exit code
  child.stdin?.on('error', () => undefined)
  if (typeof input === 'string') child.stdin?.end(input)
  const text = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of listeners) listener()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      changed()
    })
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...text })
      changed()
    })
  })
  return {
    child,
    finished,
    output: () => text.stdout + text.stderr,
    saw: (pattern, timeoutMs = 15_000) => waitFor(pattern, text, listeners, child, timeoutMs),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await finished.catch(() => undefined)
    },
  }
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  input?: string,
): Promise<Finished> {
  return await start(command, args, env, input).finished
}

function waitFor(
  pattern: RegExp,
  text: { stdout: string; stderr: string },
  listeners: Set<() => void>,
  child: ChildProcess,
  timeoutMs: number,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      listeners.delete(look)
      clearTimeout(timer)
      end()
    }
    const look = () => {
      const found = pattern.exec(text.stdout) ?? pattern.exec(text.stderr)
      if (found !== null) finish(() => resolve(found))
      else if (child.exitCode !== null || child.signalCode !== null) finish(() => reject(missed('ended without')))
    }
    const missed = (how: string) => new Error(`the program ${how} ${pattern}:\n${text.stdout}\n${text.stderr}`)
    const timer = setTimeout(() => finish(() => reject(missed('did not say'))), timeoutMs)
    listeners.add(look)
    look()
  })
}

function upToRoot(): string {
  return import.meta.url.includes('/dist/test/') ? '../../../' : '../../'
}
