import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

// CLAWPATROL_STRESS=full runs what a release is measured with
const isFull = process.env.CLAWPATROL_STRESS === 'full'
const cycles = isFull ? 60 : 6
const flows = isFull ? 20_000 : 2000
const program = fileURLToPath(new URL('cycle.mjs', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

function cycle(ending: string, count: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', program, ending, String(count)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}

describe('the binding in a process that starts children', () => {
  it.each([
    ['natural', 0, null],
    ['exit', 7, null],
    ['signal', null, 'SIGTERM'],
  ] as const)(
    'survives start, load and a %s end, time after time',
    async (ending, code, signal) => {
      for (let run = 0; run < cycles / 3; run += 1) {
        const ended = await cycle(ending, 300)
        expect(ended, ended.err).toMatchObject({ code, signal, err: '' })
        expect(JSON.parse(ended.out)).toMatchObject({ flows: 0, accepted: 300 })
      }
    },
    600_000,
  )

  it(`leaves no descriptor and no memory behind after ${flows} flows`, async () => {
    const { out, err } = await cycle('natural', flows)
    expect(err).toBe('')
    const left = JSON.parse(out)
    expect(left).toMatchObject({ flows: 0, accepted: flows })
    expect(left.fds).toBeLessThanOrEqual(2)
    expect(left.rssMb).toBeLessThan(32)
  }, 300_000)
})
