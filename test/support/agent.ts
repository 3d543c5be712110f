import { fileURLToPath } from 'node:url'
import type { Device } from './device.ts'
import type { Finished, Running } from './program.ts'

/** An agent that stays: one `clawpatrol run` in which many commands are run, one after the other or at once. */
export interface Agent extends AsyncDisposable {
  readonly running: Running
  run(words: readonly string[], input?: string): Promise<Finished>
  /** A line of shell. */
  sh(line: string): Promise<Finished>
}

const program = fileURLToPath(new URL('agent.mjs', import.meta.url))

/** Starts an agent on a device. */
export async function startAgent(device: Pick<Device, 'startRun'>): Promise<Agent> {
  const running = device.startRun([process.execPath, program], null)
  let last = 0
  const perform = async (words: readonly string[], input = '') => {
    last += 1
    const id = last
    running.child.stdin?.write(`${JSON.stringify({ id, words, input })}\n`)
    const [line] = await running.saw(new RegExp(`^\\{"id":${id},.*\\n`, 'm'), 60_000)
    const { code, signal, stdout, stderr } = JSON.parse(line) as Finished
    return { code, signal, stdout, stderr }
  }
  await perform(['true'])
  return {
    running,
    run: perform,
    sh: (line) => perform(['sh', '-c', line]),
    [Symbol.asyncDispose]: async () => {
      running.child.stdin?.end()
      await running.finished
    },
  }
}
