import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CredentialName } from '../../workers/contract/ids.ts'
import { openRoot } from '../ca/root.ts'
import { aFlow, whole } from '../recorder/events.fixture.ts'
import { Recorder } from '../recorder/recorder.ts'
import { secretForms } from '../recorder/secret-forms.ts'
import { actionsOf } from '../store/actions.ts'
import { type Scratch, scratch } from '../store/scratch.fixture.ts'
import { nextMasterKey } from './master-key.ts'
import { redactionOf } from './redaction.ts'
import { openVault, type Vault } from './vault.ts'

const token = 'token' as CredentialName
const cert = 'client-cert' as CredentialName

function vaultOf(place: Scratch, env: NodeJS.ProcessEnv = {}): Promise<Vault> {
  return openVault(place.database, { env })
}

describe('Vault', () => {
  it('looks a secret up in the vault first, then in the environment, slot by slot', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place, {
      CLAWPATROL_SECRET_TOKEN: 'from-environment',
      CLAWPATROL_SECRET_CLIENT_CERT_KEY: 'key-from-environment',
      CLAWPATROL_SECRET_CLIENT_CERT_CERT: 'cert-from-environment',
      CLAWPATROL_SECRET_EMPTY: '',
    })
    expect(vault.lookup(token, [''])).toEqual({ '': 'from-environment' })
    vault.set(token, '', 'from-vault')
    vault.set(cert, 'cert', 'cert-from-vault')
    expect(vault.lookup(token, [''])).toEqual({ '': 'from-vault' })
    expect(vault.lookup(cert, ['cert', 'key', 'ca'])).toEqual({ cert: 'cert-from-vault', key: 'key-from-environment' })
    expect(vault.lookup('empty' as CredentialName, [''])).toBeNull()
    expect(vault.lookup('none' as CredentialName, ['', 'x'])).toBeNull()
    expect(vault.lookup(token, [])).toBeNull()
  })

  it('reads @file without its line end, and says what is wrong with one that cannot be read', async () => {
    await using place = scratch()
    const path = join(place.dir, 'value')
    writeFileSync(path, 'from-file\r\n')
    await using vault = await vaultOf(place, {
      CLAWPATROL_SECRET_TOKEN: `@${path}`,
      CLAWPATROL_SECRET_GONE: `@${path}.gone`,
      CLAWPATROL_SECRET_FOLDER: `@${place.dir}`,
    })
    expect(vault.lookup(token, [''])).toEqual({ '': 'from-file' })
    expect(() => vault.lookup('gone' as CredentialName, [''])).toThrow(
      'Cannot read the file that CLAWPATROL_SECRET_GONE names: ENOENT',
    )
    expect(() => vault.lookup('folder' as CredentialName, [''])).toThrow(/it is no file/)
    writeFileSync(path, 'x'.repeat(1024 * 1024 + 1))
    expect(() => vault.lookup(token, [''])).toThrow(/longer than 1 MiB/)
  })

  it('keeps a secret it was told of out of records and logs', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    const redactor = redactionOf(vault)
    expect(redactor().text('joins with key-in-the-file')).toContain('key-in-the-file')
    vault.hide(['key-in-the-file'])
    expect(redactor().text('joins with key-in-the-file')).toBe('joins with [REDACTED credential]')
  })

  it('lists names and slots without values, removes one slot or all', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    vault.set(cert, 'key', 'a-secret')
    vault.set(cert, 'cert', 'b-secret')
    vault.set(token, '', 'c-secret')
    expect(vault.list().map(({ name, slot }) => `${name}:${slot}`)).toEqual([
      'client-cert:cert',
      'client-cert:key',
      'token:',
    ])
    expect(JSON.stringify(vault.list())).not.toContain('secret')
    expect(vault.remove(cert, 'key')).toBe(1)
    expect(vault.remove(cert, null)).toBe(1)
    expect(vault.remove(cert, null)).toBe(0)
    expect(vault.lookup(cert, ['cert', 'key'])).toBeNull()
  })

  it('refuses empty and overlong values without quoting them', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    expect(() => vault.set(token, '', '')).toThrow('Cannot store the secret of "token": it is empty')
    expect(() => vault.set(token, '', 'y'.repeat(1024 * 1024 + 1))).toThrow(/^((?!yyy).)*longer than 1 MiB$/)
  })

  it('will not open a record that was moved, changed or cut', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    const { sqlite } = place.database
    vault.set(token, '', 'first-secret')
    vault.set(cert, 'key', 'second-secret')
    sqlite.exec("UPDATE sealed SET name = 'other' WHERE name = 'token'")
    expect(() => vault.lookup('other' as CredentialName, [''])).toThrow(
      'Cannot open the secret of "other": it was changed, or sealed with another master key',
    )
    sqlite.exec("UPDATE sealed SET value = (SELECT value FROM sealed WHERE name = 'other') WHERE name = 'client-cert'")
    expect(() => vault.lookup(cert, ['key'])).toThrow(/it was changed/)
    sqlite.exec("UPDATE sealed SET wrapped_key = x'01'")
    expect(() => vault.lookup(cert, ['key'])).toThrow(/it was changed/)
  })

  it('tells at once of its own changes and, when it looks, of those of other programs and of files', async () => {
    await using place = scratch()
    const path = join(place.dir, 'value')
    writeFileSync(path, 'first-value')
    await using vault = await vaultOf(place, { CLAWPATROL_SECRET_FILED: `@${path}` })
    await using other = await vaultOf(place)
    const told: (readonly CredentialName[])[] = []
    vault.onChange((names) => told.push(names))
    vault.lookup('filed' as CredentialName, [''])
    vault.check()
    expect(told).toEqual([])
    vault.set(token, '', 'own-change')
    expect(told.splice(0)).toEqual([['token']])
    other.set(cert, 'key', 'other-change')
    other.set(cert, 'cert', 'other-change')
    expect(told).toEqual([])
    vault.check()
    expect(told.splice(0)).toEqual([['client-cert']])
    other.remove(token, null)
    writeFileSync(path, 'second-value!')
    vault.check()
    expect(told.splice(0)).toEqual([['token', 'filed']])
    unlinkSync(path)
    vault.check()
    vault.check()
    expect(told).toEqual([['filed']])
  })

  it('watches by itself', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    await using other = await vaultOf(place)
    const told = new Promise((resolve) => vault.onChange(resolve))
    vault.watch((error) => {
      throw error
    })
    other.set(token, '', 'a-new-secret')
    expect(await told).toEqual(['token'])
  })

  it('makes a key of the gateway once, and keeps it apart from credentials of that name', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    await using other = await vaultOf(place)
    vault.set(token, '', 'the-credential')
    expect(vault.ownKey('token', () => 'first-key')).toBe('first-key')
    expect(other.ownKey('token', () => 'second-key')).toBe('first-key')
    expect(vault.lookup(token, [''])).toEqual({ '': 'the-credential' })
    expect(vault.list()).toHaveLength(1)
  })

  it('knows all values that must not be recorded, the replaced ones and those of the environment too', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place, { CLAWPATROL_SECRET_X: 'environment-value' })
    await using other = await vaultOf(place)
    const redactor = redactionOf(vault)
    vault.set(token, '', 'old-value')
    vault.ownKey('wireguard', () => 'own-key-value')
    const before = redactor()
    expect(redactor()).toBe(before)
    other.set(token, '', 'new-value')
    vault.check()
    expect(redactor().text('environment-value old-value new-value own-key-value')).toBe(
      Array(4).fill('[REDACTED credential]').join(' '),
    )
  })
})

describe('Vault.rekey()', () => {
  it('re-wraps keys only: values on disk stay, the old key opens nothing, the new one everything', async () => {
    await using place = scratch()
    await using vault = await vaultOf(place)
    const { database } = place
    vault.set(token, '', 'a-secret-value')
    const root = await openRoot(vault)
    const rows = () => database.sqlite.prepare('SELECT wrapped_key, value FROM sealed ORDER BY name').all()
    const before = rows() as { wrapped_key: Buffer; value: Buffer }[]
    const oldFile = readFileSync(join(place.dir, 'master.key'))
    expect(vault.rekey(await nextMasterKey({ database, env: {} }))).toBe(2)
    const after = rows() as { wrapped_key: Buffer; value: Buffer }[]
    expect(after.map(({ value }) => value)).toEqual(before.map(({ value }) => value))
    for (const [at, row] of after.entries()) expect(row.wrapped_key).not.toEqual(before[at]?.wrapped_key)
    await using reopened = await vaultOf(place)
    for (const each of [vault, reopened]) expect(each.lookup(token, [''])).toEqual({ '': 'a-secret-value' })
    expect((await openRoot(reopened)).fingerprint).toBe(root.fingerprint)
    writeFileSync(join(place.dir, 'master.key'), oldFile)
    await expect(vaultOf(place)).rejects.toThrow(/not the one they are sealed with/)
  })

  it('in another process is noticed by a running gateway where the key is in a file', async () => {
    await using place = scratch()
    await using gateway = await vaultOf(place)
    gateway.set(token, '', 'a-secret-value')
    {
      await using command = await vaultOf(place)
      command.rekey(await nextMasterKey({ database: place.database, env: {} }))
    }
    gateway.set(cert, 'key', 'the-next-value')
    await using reopened = await vaultOf(place)
    for (const each of [gateway, reopened]) {
      expect(each.lookup(token, [''])).toEqual({ '': 'a-secret-value' })
      expect(each.lookup(cert, ['key'])).toEqual({ key: 'the-next-value' })
    }
  })

  it('in another process keeps one with the old key from the environment from storing and from opening', async () => {
    await using place = scratch()
    const { database } = place
    const env = { CLAWPATROL_MASTER_KEY: randomBytes(32).toString('hex') }
    await using gateway = await vaultOf(place, env)
    gateway.set(token, '', 'a-secret-value')
    {
      await using command = await vaultOf(place, env)
      const next = randomBytes(32).toString('hex')
      command.rekey(await nextMasterKey({ database, env: { CLAWPATROL_NEXT_MASTER_KEY: next } }))
    }
    expect(() => gateway.lookup(token, [''])).toThrow(/sealed with another master key/)
    expect(() => gateway.set(token, '', 'x-value')).toThrow(
      'Cannot store a secret: the master key was changed meanwhile',
    )
  })

  it('moves between file, environment and passphrase', async () => {
    await using place = scratch()
    const { database } = place
    const key = randomBytes(32).toString('hex')
    {
      await using vault = await vaultOf(place)
      vault.set(token, '', 'a-secret-value')
      vault.rekey(await nextMasterKey({ database, env: { CLAWPATROL_NEXT_MASTER_KEY: key } }))
    }
    await expect(vaultOf(place)).rejects.toMatchObject({ hint: expect.stringContaining('CLAWPATROL_MASTER_KEY') })
    {
      await using vault = await vaultOf(place, { CLAWPATROL_MASTER_KEY: key })
      vault.rekey(await nextMasterKey({ database, env: { CLAWPATROL_NEXT_MASTER_PASSPHRASE: 'tr0ub4dor' } }))
    }
    await using vault = await vaultOf(place, { CLAWPATROL_MASTER_PASSPHRASE: 'tr0ub4dor' })
    expect(vault.lookup(token, [''])).toEqual({ '': 'a-secret-value' })
  })

  it('is whole when it was interrupted before the key file had its name', async () => {
    await using place = scratch()
    const { database } = place
    await using vault = await vaultOf(place)
    vault.set(token, '', 'a-secret-value')
    const old = readFileSync(join(place.dir, 'master.key'))
    vault.rekey(await nextMasterKey({ database, env: {} }))
    // as a crash between commit and rename leaves it
    writeFileSync(join(place.dir, 'master.key.next'), readFileSync(join(place.dir, 'master.key')), { mode: 0o600 })
    writeFileSync(join(place.dir, 'master.key'), old)
    await using reopened = await vaultOf(place)
    expect(reopened.lookup(token, [''])).toEqual({ '': 'a-secret-value' })
    rmSync(join(place.dir, 'master.key.next'), { force: true })
    await using again = await vaultOf(place)
    expect(again.lookup(token, [''])).toEqual({ '': 'a-secret-value' })
  })
})

describe('a copied state directory without the master key', () => {
  it('reveals no secret in any form, not the CA key, and nothing of them in records', async () => {
    await using place = scratch()
    const secret = 'canary-5f1c9a77e0b3'
    await using vault = await vaultOf(place)
    vault.set(token, '', secret)
    vault.set(token, '', `${secret}-rotated`)
    await openRoot(vault)
    const caKey = vault.ownKey('certificate-authority', () => '')
    const recorder = new Recorder({ database: place.database, redactor: redactionOf(vault) })
    await recorder.record(aFlow, whole({ title: `GET https://x/${secret}`, facts: { q: secret } }))
    await recorder.stop()
    expect(actionsOf(place.database).count()).toBe(1)
    vault.remove(token, null)
    const files = readdirSync(place.dir).filter((name) => name !== 'master.key')
    expect(files).toEqual(expect.arrayContaining(['clawpatrol.db', 'clawpatrol.db-wal']))
    const [, keyBody = ''] = /-----BEGIN PRIVATE KEY-----\n([^-]+)/.exec(caKey) ?? []
    const der = Buffer.from(keyBody, 'base64')
    // the private number of an EC key begins after the headers of PKCS #8
    const scalar = der.subarray(36, 68)
    const needles = [...secretForms(secret), keyBody.slice(0, 60), scalar.toString('latin1'), scalar.toString('hex')]
    for (const name of files) {
      const bytes = readFileSync(join(place.dir, name)).toString('latin1')
      expect(needles.filter((needle) => bytes.includes(needle))).toEqual([])
      expect(bytes).not.toContain('PRIVATE KEY')
    }
    chmodSync(place.dir, 0o700)
  })
})
