import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { start } from '../support/program.ts'

/** A plain node's process: a line of JSON for each command and each answer. */
export interface NodeProcess {
  readonly pid: number
  /** What it said of itself once it was in the tailnet. */
  readonly ready: { readonly id: string; readonly name: string; readonly addresses: readonly string[] }
  /** @throws Error with the node's reason, or when it has ended */
  perform(command: object): Promise<unknown>
  end(): Promise<void>
}

interface Answer {
  readonly id?: unknown
  readonly error?: string
  readonly value?: unknown
}

/** Starts a process and waits until it is ready. @throws Error with the reason when it will not be */
export async function startNodeProcess(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  options: { readonly stateDir?: string; readonly controlUrl: string },
): Promise<NodeProcess> {
  const own = options.stateDir === undefined ? mkdtempSync(join(tmpdir(), 'clawpatrol-test-node-')) : null
  const running = start(words[0] ?? '', words.slice(1), env, null)
  const { stdin, stdout } = running.child
  if (stdin === null || stdout === null) throw new Error('the node has no pipes')
  const pending = new Map<unknown, (answer: Answer) => void>()
  let ended = false
  const answerTo = (number: number) => {
    if (ended) throw new Error(`the node has ended: ${running.output()}`)
    return new Promise<Answer>((resolve) => pending.set(number, resolve))
  }
  const first = answerTo(0)
  createInterface({ input: stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer
    const number = typeof answer.id === 'number' ? answer.id : 0
    pending.get(number)?.(answer)
    pending.delete(number)
  })
  const gone = () => {
    ended = true
    for (const resolve of pending.values()) resolve({ error: `the node ended: ${running.output()}` })
  }
  running.finished.then(gone, gone)
  const end = async () => {
    stdin.end()
    await running[Symbol.asyncDispose]()
    if (own !== null) rmSync(own, { recursive: true, force: true })
  }
  const state = own === null ? {} : { stateDir: own, forgetState: true }
  stdin.write(`${JSON.stringify({ ...options, ...state })}\n`)
  const ready = await first
  if (ready.error !== undefined) {
    await end()
    throw new Error(ready.error)
  }
  let last = 0
  return {
    pid: running.child.pid ?? 0,
    ready: ready as unknown as NodeProcess['ready'],
    perform: async (command) => {
      last += 1
      const answered = answerTo(last)
      stdin.write(`${JSON.stringify({ id: last, ...command })}\n`)
      const { error, value } = await answered
      if (error !== undefined) throw new Error(error)
      return value
    },
    end,
  }
}
