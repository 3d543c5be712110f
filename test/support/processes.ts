import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

/** Processes of this host whose command line has a word in it, oldest first. */
export function processesWith(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLine(Number(name)).includes(word))
    .map(Number)
    .sort((one, other) => one - other)
}

/** The words of a process; none once it is gone. */
export function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

/** The environment a process was started with; empty where it is hidden even from its own user. */
export function environmentOf(pid: number): string {
  return unlessHidden(`/proc/${pid}/environ`) ?? ''
}

/**
 * What a core dump of a process would hold: every writable mapping, one after the other; none where its memory is
 * hidden even from its own user.
 */
export function* memoryOf(pid: number): Generator<Buffer> {
  const maps = unlessHidden(`/proc/${pid}/maps`)
  if (maps === null) return
  const fd = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
      const start = BigInt(`0x${from}`)
      const mapping = Buffer.alloc(Number(BigInt(`0x${to}`) - start))
      yield mapping.subarray(0, readMapping(fd, mapping, start))
    }
  } finally {
    closeSync(fd)
  }
}

function unlessHidden(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return null
    throw error
  }
}

/** A mapping may be unreadable or gone: a core dump leaves it out, too. */
function readMapping(fd: number, into: Buffer, from: bigint): number {
  try {
    return readSync(fd, into, 0, into.length, from)
  } catch {
    return 0
  }
}
