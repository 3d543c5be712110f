import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratch } from '../store/scratch.fixture.ts'
import { parseKey } from './key-file.ts'
import { nextMasterKey, openMasterKey } from './master-key.ts'

describe('openMasterKey()', () => {
  it('makes a key file of mode 0600 at first start and reads it from then on', async () => {
    await using place = scratch()
    const first = await openMasterKey({ database: place.database, env: {} })
    const path = join(place.dir, 'master.key')
    expect(first).toMatchObject({ source: 'file', bytes: { length: 32 } })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await openMasterKey({ database: place.database, env: {} })).toEqual(first)
  })

  it('refuses a key file others may read, a link, and one that holds no key', async () => {
    await using place = scratch()
    const open = () => openMasterKey({ database: place.database, env: {} })
    await open()
    const path = join(place.dir, 'master.key')
    chmodSync(path, 0o640)
    await expect(open()).rejects.toMatchObject({
      code: 'CP_SECRET',
      message: expect.stringContaining('other users may read it'),
      hint: `chmod 600 ${path}`,
    })
    chmodSync(path, 0o600)
    writeFileSync(path, 'half a key')
    await expect(open()).rejects.toThrow(/it is no key/)
    renameSync(path, `${path}.real`)
    symlinkSync(`${path}.real`, path)
    await expect(open()).rejects.toThrow(/cannot be read \(ELOOP\)/)
  })

  it('does not make a new key when the old one is missing', async () => {
    await using place = scratch()
    await openMasterKey({ database: place.database, env: {} })
    const path = join(place.dir, 'master.key')
    rmSync(path)
    await expect(openMasterKey({ database: place.database, env: {} })).rejects.toMatchObject({
      message: `Cannot open the stored secrets: ${JSON.stringify(path)} is missing`,
      hint: 'restore the file from a copy',
    })
    expect(existsSync(path)).toBe(false)
  })

  it('takes a key from the environment in hexadecimal or base64 and leaves no file', async () => {
    await using place = scratch()
    const key = randomBytes(32)
    const open = (text: string) => openMasterKey({ database: place.database, env: { CLAWPATROL_MASTER_KEY: text } })
    expect(await open(key.toString('hex'))).toEqual({ bytes: key, source: 'environment' })
    expect((await open(key.toString('base64'))).bytes).toEqual(key)
    expect(existsSync(join(place.dir, 'master.key'))).toBe(false)
    await expect(open(randomBytes(32).toString('hex'))).rejects.toMatchObject({
      message: expect.stringContaining('the master key is not the one they are sealed with'),
      hint: 'they are sealed with a key from the environment: set CLAWPATROL_MASTER_KEY',
    })
    await expect(open('short')).rejects.toThrow(/Cannot use CLAWPATROL_MASTER_KEY: it is not 32 bytes/)
    await expect(openMasterKey({ database: place.database, env: {} })).rejects.toMatchObject({ code: 'CP_SECRET' })
  })

  it('stretches a passphrase from the environment or a person, the same each time', async () => {
    await using place = scratch()
    const { database } = place
    const first = await openMasterKey({ database, env: { CLAWPATROL_MASTER_PASSPHRASE: 'correct horse' } })
    expect(first).toMatchObject({ source: 'passphrase', bytes: { length: 32 } })
    expect(await openMasterKey({ database, env: {}, ask: async () => 'correct horse' })).toEqual(first)
    await expect(openMasterKey({ database, env: {}, ask: async () => 'wrong' })).rejects.toMatchObject({
      hint: 'they are sealed with a passphrase: set CLAWPATROL_MASTER_PASSPHRASE',
    })
    await expect(openMasterKey({ database, env: {} })).rejects.toThrow(/the master key is not given/)
  })

  it('two processes starting at once agree on one key', async () => {
    await using place = scratch()
    const other = place.database.connect()
    const [one, two] = await Promise.all(
      [place.database, other].map((database) => openMasterKey({ database, env: {} })),
    )
    expect(one).toEqual(two)
    other.close()
  })
})

describe('nextMasterKey()', () => {
  it('leaves the key in force where it is', async () => {
    await using place = scratch()
    const path = join(place.dir, 'master.key')
    const { bytes } = await openMasterKey({ database: place.database, env: {} })
    const next = await nextMasterKey({ database: place.database, env: {} })
    expect(next.bytes).not.toEqual(bytes)
    expect(readFileSync(path, 'utf8')).toBe(`${bytes.toString('hex')}\n`)
    expect(await openMasterKey({ database: place.database, env: {} })).toEqual({ bytes, source: 'file' })
  })
})

describe('parseKey()', () => {
  it('takes 32 bytes and nothing else', () => {
    const key = randomBytes(32)
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(parseKey(` ${key.toString(encoding)}\n`)).toEqual(key)
    for (const text of ['', 'x', 'a'.repeat(63), 'g'.repeat(64), 'a'.repeat(45)]) expect(parseKey(text)).toBeNull()
  })
})
