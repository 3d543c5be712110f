import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Which processes are in a namespace.
 * @param id as /proc shows it, e.g. `pid:[4026531836]`
 */
export function processesIn(kind: 'pid' | 'net', id: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && namespaceOf(pid, kind) === id)
}

/** Null once the process is gone. */
export function namespaceOf(pid: string | number, kind: 'pid' | 'net'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch {
    return null
  }
}

/** The letter of proc(5): R, S, T for stopped and so on. */
export function stateOf(pid: number): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
}
