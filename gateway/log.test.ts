import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ClawError } from '../workers/contract/errors.ts'
import { openLog, type ProcessLog } from './log.ts'
import { buildRedactor } from './recorder/redact.ts'

/** What `work` logs, line by line. */
function logged(work: (log: ProcessLog) => void, level = 'debug'): readonly { [name: string]: unknown }[] {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-log-'))
  const path = join(dir, 'log')
  const fd = openSync(path, 'a')
  const log = openLog({ fd, level })
  work(log)
  closeSync(fd)
  const text = readFileSync(path, 'utf8')
  rmSync(dir, { recursive: true })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { [name: string]: unknown })
}

describe('openLog()', () => {
  it('writes one JSON line per event with the time, the level and the fields of its parents', () => {
    const lines = logged((log) => {
      const flow = log.child({ flow: 'f1' })
      flow.info('flow.closed', { endedBy: 'peer', bytesUp: 5, big: 12n, gone: undefined })
      flow.child({ action: 'a1' }).warn('action.late')
    })
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        event: 'flow.closed',
        flow: 'f1',
        endedBy: 'peer',
        bytesUp: 5,
        big: 12,
        gone: null,
      },
      { level: 'warn', time: expect.any(String), event: 'action.late', flow: 'f1', action: 'a1' },
    ])
  })

  it('keeps to its level', () => {
    const all = (log: ProcessLog) => {
      log.debug('a')
      log.info('b')
      log.warn('c')
      log.error('d')
    }
    const events = (level: string) => logged(all, level).map(({ event }) => event)
    expect(['debug', 'info', 'error', 'silent', 'nonsense'].map((level) => events(level).join(''))).toEqual([
      'abcd',
      'bcd',
      'd',
      '',
      'bcd',
    ])
  })

  it('holds no secret: known values, sensitive names, headers in errors and causes', () => {
    const [line] = logged((log) => {
      log.redactWith(() => buildRedactor(['hunter2-hunter2']))
      log.error('x', {
        authorization: 'Basic abc',
        nested: { cookie: 'abc', path: '/hunter2-hunter2' },
        error: new ClawError('CP_UPSTREAM', 'Cannot send hunter2-hunter2', {
          cause: new Error('refused Bearer abcdef.ghi'),
        }),
      })
    })
    expect(line).toMatchObject({
      authorization: '***',
      nested: { cookie: '***', path: '/[REDACTED credential]' },
      error: 'CP_UPSTREAM Cannot send [REDACTED credential]: refused Bearer ***',
    })
  })

  it('neither waits for nor dies of a reader that does not read or goes away', async () => {
    const script = `
      import { openLog } from './gateway/log.ts'
      import { once } from 'node:events'
      const log = openLog()
      for (let at = 0; at < 4000; at++) log.info('flood', { text: 'x'.repeat(1000) })
      process.stdout.write(log.dropped > 0 ? 'went on\\n' : 'dropped nothing\\n')
      await once(process.stdin, 'data')
      log.info('after')
      await new Promise((resolve) => setImmediate(resolve))
      process.stdout.write('still here\\n')
      process.stdin.destroy()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stderr.pause()
    const exit = once(child, 'exit')
    let out = ''
    let isTold = false
    child.stdout.on('data', (chunk) => {
      out += chunk
      if (isTold) return
      isTold = true
      child.stderr.destroy()
      child.stdin.write('go')
    })
    expect(await exit).toEqual([0, null])
    expect(out).toBe('went on\nstill here\n')
  }, 60_000)
})
