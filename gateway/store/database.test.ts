import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ClawError } from '../../workers/contract/errors.ts'
import { defaultStateDir, openDatabase, openReadOnly } from './database.ts'
import { scratch, scratchDir } from './scratch.fixture.ts'
import { storeFault } from './store-fault.ts'

function caught(work: () => unknown): ClawError {
  try {
    work()
  } catch (error) {
    if (error instanceof ClawError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('openDatabase()', () => {
  it('makes a private directory and private files, journalled and with foreign keys', () => {
    const dir = join(scratchDir(), 'state', 'deep')
    const database = openDatabase(dir)
    database.sqlite.exec("INSERT INTO settings VALUES ('a', 'b', 1)")
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(database.path + suffix).mode & 0o777).toBe(0o600)
    expect(database.sqlite.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(database.sqlite.pragma('foreign_keys', { simple: true })).toBe(1)
    expect(database.sqlite.pragma('synchronous', { simple: true })).toBe(1)
    expect(database.warnings).toEqual([])
    database.close()
    database.close()
    rmSync(dir, { recursive: true })
  })

  it('warns of a directory others may enter and closes a file others may read', () => {
    const dir = scratchDir()
    openDatabase(dir).close()
    chmodSync(dir, 0o755)
    chmodSync(join(dir, 'clawpatrol.db'), 0o644)
    const database = openDatabase(dir)
    expect(database.warnings).toEqual([expect.stringContaining('is open to other users')])
    expect(statSync(database.path).mode & 0o777).toBe(0o600)
    database.close()
    rmSync(dir, { recursive: true })
  })

  it('says in one sentence that the file is no database, and leaves it as it is', () => {
    const dir = scratchDir()
    const path = join(dir, 'clawpatrol.db')
    writeFileSync(path, 'this is no database at all, '.repeat(500))
    const error = caught(() => openDatabase(dir))
    expect(error.code).toBe('CP_STORE')
    expect(error.message).toBe(
      `Cannot open ${JSON.stringify(path)}: the file is damaged or no database (SQLITE_NOTADB)`,
    )
    expect(error.hint).toContain('restore a copy')
    expect(readFileSync(path, 'utf8')).toHaveLength(28 * 500)
    rmSync(dir, { recursive: true })
  })

  it('says that pages in the middle are damaged', () => {
    const dir = scratchDir()
    const database = openDatabase(dir)
    database.sqlite.exec("INSERT INTO settings VALUES ('a', 'b', 1)")
    database.sqlite.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const bytes = readFileSync(database.path)
    bytes.fill(0xff, 4096)
    writeFileSync(database.path, bytes)
    expect(caught(() => openDatabase(dir)).message).toMatch(/the file is damaged or no database \(SQLITE_CORRUPT/)
    rmSync(dir, { recursive: true })
  })

  it('says that a file is where the directory should be', () => {
    const dir = scratchDir()
    const path = join(dir, 'state')
    writeFileSync(path, '')
    expect(caught(() => openDatabase(path)).message).toMatch(/^Cannot use ".*\/state": it cannot be read and written/)
    rmSync(dir, { recursive: true })
  })

  it('says that the directory is not writable', () => {
    const dir = scratchDir()
    mkdirSync(join(dir, 'state'))
    chmodSync(dir, 0o755)
    chmodSync(join(dir, 'state'), 0o500)
    // root may write anywhere: ask as another user where that is possible
    const uid = process.getuid?.() === 0 ? 65_534 : process.getuid?.()
    const script = `import('./gateway/store/database.ts').then((m) => {
      process.setuid(${uid})
      m.openDatabase(${JSON.stringify(join(dir, 'state'))})
    }).catch((e) => console.log(e.message))`
    const done = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    })
    expect(done.stdout).toMatch(/^Cannot use ".*\/state": it cannot be read and written by this user \(EACCES\)\n$/)
    rmSync(dir, { recursive: true, force: true })
  })

  it('two connections see each other; `connect` neither migrates nor waits when told so', async () => {
    await using place = scratch()
    const other = place.database.connect({ busyMs: 0 })
    other.sqlite.exec("INSERT INTO settings VALUES ('k', 'v', 1)")
    expect(place.database.sqlite.prepare("SELECT value FROM settings WHERE key = 'k'").pluck().get()).toBe('v')
    place.database.sqlite.exec('BEGIN IMMEDIATE')
    expect(() => other.sqlite.exec('BEGIN IMMEDIATE')).toThrow(/locked/)
    place.database.sqlite.exec('ROLLBACK')
    other.close()
  })
})

describe('openReadOnly()', () => {
  it('reads while another writes, and cannot write', async () => {
    await using place = scratch()
    const reader = openReadOnly(place.dir)
    place.database.sqlite.exec("INSERT INTO settings VALUES ('k', 'v', 1)")
    expect(reader.sqlite.prepare('SELECT value FROM settings').pluck().all()).toEqual(['v'])
    expect(() => reader.sqlite.exec("INSERT INTO settings VALUES ('l', 'v', 1)")).toThrow(/readonly/)
    reader.close()
  })

  it('makes nothing where there is nothing', () => {
    const dir = scratchDir()
    expect(caught(() => openReadOnly(dir))).toMatchObject({
      code: 'CP_STORE',
      message: expect.stringContaining('there is no database'),
      hint: expect.stringContaining('--state-dir'),
    })
    expect(existsSync(join(dir, 'clawpatrol.db'))).toBe(false)
    rmSync(dir, { recursive: true })
  })

  it('says that an older program made it', () => {
    const dir = scratchDir()
    writeFileSync(join(dir, 'clawpatrol.db'), '')
    expect(caught(() => openReadOnly(dir)).message).toMatch(/an older clawpatrol made it/)
    rmSync(dir, { recursive: true })
  })
})

describe('defaultStateDir()', () => {
  it('is what CLAWPATROL_STATE says, else .clawpatrol at home', () => {
    expect(defaultStateDir({ CLAWPATROL_STATE: '/s', HOME: '/h' })).toBe('/s')
    expect(defaultStateDir({ HOME: '/h' })).toBe('/h/.clawpatrol')
  })
})

describe('storeFault()', () => {
  it('has a sentence and a hint for each trouble', () => {
    const sentence = (code: string) => {
      const { message, hint } = storeFault('Cannot write', '/s', Object.assign(new Error('x'), { code }))
      return `${message} | ${hint}`
    }
    expect(
      ['SQLITE_FULL', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_READONLY', 'SQLITE_IOERR_WRITE', 'ENOSPC', 'WHAT'].map(sentence),
    ).toMatchInlineSnapshot(`
      [
        "Cannot write "/s": the disk is full (SQLITE_FULL) | free some space; nothing recorded so far is lost",
        "Cannot write "/s": another program keeps it locked (SQLITE_BUSY_SNAPSHOT) | end the other program that has the database open",
        "Cannot write "/s": it cannot be read and written by this user (SQLITE_READONLY) | check owner and mode, or name another state_dir in the gateway block",
        "Cannot write "/s": the disk does not read or write (SQLITE_IOERR_WRITE) | check the disk; dmesg shows what the kernel says of it",
        "Cannot write "/s": the disk is full (ENOSPC) | free some space; nothing recorded so far is lost",
        "Cannot write "/s": it does not work (WHAT) | see what CLAWPATROL_LOG=debug prints",
      ]
    `)
  })
})
