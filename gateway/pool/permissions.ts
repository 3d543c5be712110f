import { Worker } from 'node:worker_threads'
import { ClawError } from '../../workers/contract/errors.ts'
import type { WorkerFiles } from './entry-url.ts'

/** How long the canary may take, ms. */
const canaryMs = 10_000

/** What Node is started with in a worker thread: code may be read, and nothing else. */
export function workerFlags(readable: readonly string[]): string[] {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  return [
    permission,
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--no-addons',
    '--disable-warning=ExperimentalWarning',
  ]
}

/**
 * Proves with a thread started like any other that it is locked down: this Node may not know the flags, or mean
 * something else by them.
 * @throws ClawError CP_FORBIDDEN naming what the thread could do
 */
export async function proveLockdown(files: WorkerFiles): Promise<void> {
  const worker = new Worker(files.canary, {
    env: {},
    execArgv: workerFlags(files.readable),
    // something that exists and that no thread may read
    workerData: process.execPath,
  })
  try {
    const allowed = await answerOf(worker)
    if (!Array.isArray(allowed) || allowed.length > 0)
      throw new ClawError('CP_FORBIDDEN', `worker threads of this Node are not locked down: ${String(allowed)}`, {
        hint: 'run a Node release between 20.19 and 24',
      })
  } finally {
    await worker.terminate()
  }
}

function answerOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) => {
      clearTimeout(timer)
      reject(new ClawError('CP_FORBIDDEN', `cannot tell whether worker threads are locked down: ${message}`, { cause }))
    }
    const timer = setTimeout(fail, canaryMs, `no answer within ${canaryMs} ms`)
    worker.once('message', (allowed) => {
      clearTimeout(timer)
      resolve(allowed)
    })
    worker.once('error', (error) => fail(error instanceof Error ? error.message : String(error), error))
    worker.once('exit', () => fail('the thread ended'))
  })
}
