import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** A directory of one run's own. */
export interface RunState {
  /** Absolute path, mode 0700. */
  readonly dir: string
  /** Removes it with all that is in it. Idempotent; never throws. */
  remove(): void
}

const ownerFile = 'owner'

/**
 * Makes a directory for the state of one run and removes those of runs that died.
 * @param env XDG_RUNTIME_DIR is where it is made, when set; else /tmp
 */
export function openRunState(env: NodeJS.ProcessEnv = process.env): RunState {
  const base = baseOf(env)
  const prefix = `clawpatrol-run-${ownUid()}-`
  sweep(base, prefix)
  const dir = join(base, prefix + randomBytes(6).toString('hex'))
  mkdirSync(dir, { mode: 0o700 })
  try {
    writeFileSync(join(dir, ownerFile), ownerLine(), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    removeTree(dir)
    throw error
  }
  return { dir, remove: () => removeTree(dir) }
}

function baseOf(env: NodeJS.ProcessEnv): string {
  const chosen = env.XDG_RUNTIME_DIR
  return chosen !== undefined && isAbsolute(chosen) && isOwnDirectory(chosen) ? chosen : '/tmp'
}

function ownUid(): number {
  return process.geteuid?.() ?? 0
}

/** Whether it is a directory of ours, not a link to one. */
function isOwnDirectory(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === ownUid()
}

function sweep(base: string, prefix: string): void {
  let names: string[]
  try {
    names = readdirSync(base)
  } catch {
    // the directory is made next, and that failure is told
    return
  }
  for (const name of names) {
    const dir = join(base, name)
    try {
      if (name.startsWith(prefix) && isOwnDirectory(dir) && ownerIsGone(dir)) removeTree(dir)
    } catch {
      // another run sweeps the same one
    }
  }
}

/** How long a directory may be without its owner on record: its run is about to write it. */
const youngMs = 60_000

function ownerIsGone(dir: string): boolean {
  const file = join(dir, ownerFile)
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return Date.now() - lstatSync(dir).mtimeMs > youngMs
  if (!found.isFile()) return false
  const owner = readFileSync(file, 'utf8').trim().split(' ')
  if (owner.length !== 4) return Date.now() - found.mtimeMs > youngMs
  const [pid, boot, namespace, start] = owner
  const here = hostOf()
  if (boot !== here.boot) return true
  // a number from another container means nothing here
  return namespace === here.namespace && startOf(Number(pid)) !== start
}

/** Tells a process from any other one on this machine, a later one with its number included. */
function ownerLine(): string {
  const { boot, namespace } = hostOf()
  return `${process.pid} ${boot} ${namespace} ${startOf(process.pid)}\n`
}

function hostOf(): { readonly boot: string; readonly namespace: string } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return { boot, namespace: readlinkSync('/proc/self/ns/pid') }
}

/** When a process started, in ticks since boot; null when there is none. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // the name in parentheses may contain anything
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function removeTree(dir: string): void {
  try {
    rmSync(dir, { recursive: true, force: true })
  } catch {
    // the next run sweeps it
  }
}
