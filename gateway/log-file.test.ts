import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openLog } from './log.ts'
import { openLogFile } from './log-file.ts'

describe('openLogFile()', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-log-file-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('appends to what is there and lets nobody else read a new file', () => {
    const path = join(directory, 'append.log')
    for (const line of ['one\n', 'two\n']) {
      using file = openLogFile(path)
      file.write(line)
    }
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('goes on in a new file once it is reopened', () => {
    const path = join(directory, 'rotated.log')
    using file = openLogFile(path)
    file.write('before\n')
    renameSync(path, `${path}.1`)
    file.write('still\n')
    file.reopen()
    file.write('after\n')
    expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['before\nstill\n', 'after\n'])
  })

  it('says which file it cannot open and why, and keeps the old one', () => {
    const nowhere = join(directory, 'nowhere', 'x.log')
    expect(() => openLogFile(nowhere)).toThrow(
      `Cannot open the log file ${JSON.stringify(nowhere)}: its directory does not exist`,
    )
    expect(() => openLogFile(directory)).toThrow(/it is a directory$/)
  })
})

describe('openLog() with a path', () => {
  it('writes every line to the file as well and reports a reopening that fails', () => {
    const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-log-path-'))
    const path = join(directory, 'gateway.log')
    const stderr = openSync(join(directory, 'stderr'), 'a')
    const log = openLog({ path, level: 'info', fd: stderr })
    log.info('started', { port: 1 })
    const line = JSON.parse(readFileSync(path, 'utf8')) as object
    expect(line).toMatchObject({ level: 'info', event: 'started', port: 1 })
    rmSync(path)
    rmSync(join(directory, 'stderr'))
    rmSync(directory, { recursive: true })
    log.reopen()
    expect(log.dropped).toBe(0)
    closeSync(stderr)
  })
})
