import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClawError } from '../../workers/contract/errors.ts'

/** Where the compiled workers are, and what their threads must be able to read. */
export interface WorkerFiles {
  /** Script of the task function. */
  readonly entry: string
  /** Script that proves at start that a thread is locked down. */
  readonly canary: string
  /** Folders and files to read code from; nothing else is readable in a thread. */
  readonly readable: readonly string[]
}

/**
 * Finds the compiled workers, whether this file itself runs from `dist/` or from its source.
 * @throws ClawError CP_INTERNAL when they have not been built
 */
export function workerFiles(): WorkerFiles {
  const here = dirname(fileURLToPath(import.meta.url))
  const isCompiled = import.meta.url.endsWith('.js')
  const dist = isCompiled ? join(here, '../..') : join(here, '../../dist')
  const root = join(dist, '..')
  const entry = join(dist, 'workers/entry.js')
  if (!existsSync(entry))
    throw new ClawError('CP_INTERNAL', `no compiled worker at ${entry}`, { hint: 'run npm run build' })
  const packages = /^.*[\\/]node_modules(?=[\\/])/.exec(createRequire(import.meta.url).resolve('piscina'))?.[0]
  return {
    entry,
    canary: join(dist, 'workers/canary.js'),
    readable: [dist, join(root, 'package.json'), ...(packages === undefined ? [] : [packages])],
  }
}
