import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const listMs = 2000
const mostRounds = 5

/**
 * Kills a process and what descends from it. Those that detached themselves are not found.
 * @param pid of a child that this process has not reaped: the number means nobody else
 */
export async function endTree(pid: number): Promise<void> {
  // stopped first: the others must not be handed to init before they are found
  send(pid, 'SIGSTOP')
  const seen = new Set<number>()
  for (let round = 0; round < mostRounds; round++) {
    const found = (await descendantsOf(pid)).filter((each) => !seen.has(each))
    if (found.length === 0) break
    for (const each of found) {
      seen.add(each)
      send(each, 'SIGSTOP')
    }
  }
  for (const each of [...seen, pid]) send(each, 'SIGKILL')
}

async function descendantsOf(root: number): Promise<readonly number[]> {
  const children = new Map<number, number[]>()
  for (const [pid, parent] of await processes()) children.set(parent, [...(children.get(parent) ?? []), pid])
  const found: number[] = []
  const left = [root]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const below = children.get(next) ?? []
    found.push(...below)
    left.push(...below)
  }
  return found
}

async function processes(): Promise<readonly (readonly [pid: number, parent: number])[]> {
  try {
    const { stdout } = await promisify(execFile)('/bin/ps', ['-A', '-o', 'pid=,ppid='], { timeout: listMs })
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid = 0, parent = 0]) => [pid, parent] as const)
  } catch {
    // the process itself is killed all the same
    return []
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
