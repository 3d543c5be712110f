import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const loader = createRequire(import.meta.url).resolve('tsx')
const script = join(import.meta.dirname, 'run.fixture.ts')

/** The words that run a command captured by a Node process of its own. */
export function runnerWords(words: readonly string[]): string[] {
  return [process.execPath, '--import', loader, script, ...words]
}

/**
 * The same as an ordinary user: a fresh mount namespace gives uid 65534 a TUN device it may open and, wherever they
 * lie, the project and Node to read.
 */
export function nobodyWords(words: readonly string[]): string[] {
  const setup = [
    'set -e',
    'mount -t tmpfs tmpfs /mnt',
    'mkdir /mnt/project && touch /mnt/node && mknod -m 0666 /mnt/tun c 10 200',
    'mount --bind "$1" /mnt/project && mount --bind "$2" /mnt/node && mount --bind /mnt/tun /dev/net/tun',
    'shift 2',
    'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
  ].join('\n')
  const inside = runnerWords(words).map((word) => word.replace(root, '/mnt/project'))
  const node = ['/mnt/node', ...inside.slice(1)]
  return ['unshare', '-m', 'sh', '-c', setup, 'sh', root, process.execPath, ...node]
}

/** A started process and what it printed so far. */
export interface Started {
  readonly child: ChildProcess
  /** Resolves once stdout and stderr together match; rejects when the process ends before. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
  /** How it ended, in the way of a shell: 128 + n for signal n is told as the signal's name. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly output: string }>
}

/** Starts a process with piped stdio. */
export function startProcess(words: readonly string[], options: SpawnOptions = {}): Started {
  const [command = '', ...args] = words
  const child = spawn(command, args, { stdio: 'pipe', ...options })
  let output = ''
  let closed = false
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const check of waiting) check()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
      wake()
    })
  }
  const ending = once(child, 'close').then(([code, signal]) => {
    closed = true
    wake()
    return { code, signal, output }
  })
  return {
    child,
    ended: () => ending,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(output)
          if (match === null && !closed) return
          waiting.delete(check)
          if (match !== null) resolve(match)
          else reject(new Error(`ended without printing ${pattern}: ${output}`))
        }
        waiting.add(check)
        check()
      }),
  }
}
