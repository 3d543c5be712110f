import { createRequire, syncBuiltinESMExports } from 'node:module'
import { guardHandles, guardSocketClass } from './adopt.ts'
import { ClawError } from './contract/errors.ts'

type Exports = Record<string, unknown>
type Read = (path: unknown, options: unknown) => unknown

const require = createRequire(import.meta.url)

/** Functions of `fs` that module loading needs; they take paths, which the thread's permissions judge. */
const readingByPath = new Set([
  'readFileSync',
  'realpathSync',
  'statSync',
  'lstatSync',
  'existsSync',
  'Stats',
  'Dirent',
  '_toUnixTimestamp',
])

/**
 * Modules nothing of which a decoder may call. `dns` belongs here: a look-up is a way out. `repl` does not: what it can
 * do, anybody can, and loading it to close it would load `domain`, which makes every event cost more.
 */
const closed = [
  'child_process',
  'dgram',
  'dns',
  'dns/promises',
  'cluster',
  'inspector',
  'inspector/promises',
  'tty',
  'wasi',
  'sqlite',
  'trace_events',
  'test',
]

/** Single functions that reach beyond the thread, by module. */
const refused: { readonly [module: string]: readonly string[] } = {
  net: ['connect', 'createConnection', '_createServerHandle'],
  worker_threads: ['Worker', 'BroadcastChannel', 'postMessageToThread', 'SHARE_ENV'],
  module: ['register', 'registerHooks', 'enableCompileCache'],
  v8: ['setFlagsFromString', 'writeHeapSnapshot', 'getHeapSnapshot', 'setHeapSnapshotNearHeapLimit', 'startupSnapshot'],
  os: ['setPriority'],
  process: [
    'kill',
    '_kill',
    'abort',
    'binding',
    '_linkedBinding',
    'dlopen',
    'chdir',
    'umask',
    'loadEnvFile',
    'openStdin',
    'execve',
    'setgid',
    'setegid',
    'setuid',
    'seteuid',
    'setgroups',
    'initgroups',
    '_debugProcess',
    '_debugEnd',
    '_getActiveHandles',
    '_getActiveRequests',
    'setUncaughtExceptionCaptureCallback',
  ],
}

/** Globals that open connections or channels on their own. */
const refusedGlobals = ['fetch', 'WebSocket', 'EventSource', 'BroadcastChannel']

/**
 * Takes from this thread what its permissions leave open: descriptors by number, connections, look-ups, signals,
 * other threads. Call it once, before any decoder loads; what loaded earlier sees the refusals as well.
 * Sockets come from `adopt` alone afterwards.
 * @see house.md 1: fault containment and defence in depth, not a sandbox
 */
export function lockDown(): void {
  const fs = load('fs')
  for (const name of Object.keys(fs)) {
    if (name !== 'promises' && typeof fs[name] === 'function' && !readingByPath.has(name)) refuse(fs, 'fs', name)
  }
  const promises = fs.promises as Exports
  for (const name of Object.keys(promises)) {
    if (typeof promises[name] === 'function' && name !== 'readFile') refuse(promises, 'fs.promises', name)
  }
  for (const [exports, name] of [
    [fs, 'readFileSync'],
    [promises, 'readFile'],
  ] as const) {
    Object.defineProperty(exports, name, { value: byPathOnly(exports[name] as Read), enumerable: true })
  }
  guardHandles()
  for (const module of closed) {
    const exports = load(module)
    for (const name of Object.keys(exports)) {
      if (typeof exports[name] === 'function') refuse(exports, module, name)
    }
  }
  for (const [module, names] of Object.entries(refused)) {
    const exports = load(module)
    for (const name of names) if (name in exports) refuse(exports, module, name)
  }
  guardSocketClass(refusal)
  guardExit()
  // a diagnostic report contains the environment of the whole process
  Object.defineProperty(process, 'report', { value: undefined, configurable: false, writable: false })
  for (const name of refusedGlobals) Reflect.deleteProperty(globalThis, name)
  syncBuiltinESMExports()
}

/** Takes the channel to the pool from the thread; call it when the pool no longer needs it here, with the first task. */
export function sealParentPort(): void {
  const threads = load('worker_threads')
  if (threads.parentPort === null) return
  Object.defineProperty(threads, 'parentPort', { value: null, enumerable: true })
  syncBuiltinESMExports()
}

/** Ending the thread is for Node alone, when an error was caught by nobody. */
function guardExit(): void {
  let isDying = false
  process.on('uncaughtExceptionMonitor', () => {
    isDying = true
  })
  const exports = process as unknown as Exports
  for (const name of ['exit', 'reallyExit']) {
    const exit = exports[name] as (code?: number) => never
    const guarded = (code?: number): never => (isDying ? exit.call(process, code) : refusal(`process.${name}`)())
    Object.defineProperty(process, name, { value: guarded, enumerable: true })
  }
}

function load(module: string): Exports {
  try {
    return require(`node:${module}`) as Exports
  } catch {
    // this Node does not have it: nothing to refuse
    return {}
  }
}

function refuse(exports: Exports, module: string, name: string): void {
  Object.defineProperty(exports, name, {
    value: refusal(`${module}.${name}`),
    enumerable: true,
    configurable: false,
    writable: false,
  })
}

/** A function that can be called and constructed, and does neither. */
function refusal(name: string): (...ignored: unknown[]) => never {
  return function refused(): never {
    throw new ClawError('CP_FORBIDDEN', `a worker may not use ${name}`)
  }
}

/** Module loading reads by path, which the thread's permissions judge. */
function byPathOnly(read: Read): Read {
  return (path, options) => {
    if (typeof path !== 'string' && !(path instanceof URL)) refusal('fs to read a descriptor')()
    return read(path, options)
  }
}
