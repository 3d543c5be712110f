import { randomBytes, scrypt } from 'node:crypto'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Database } from '../store/database.ts'
import { type Settings, settingsOf } from '../store/settings.ts'
import { createKeyFile, keyFilePath, nextKeyFilePath, parseKey, readKeyFile, renameKeyFile } from './key-file.ts'
import { keyBytes, seal, unseal } from './seal.ts'

/** The key every record's own key is wrapped under. Stays in the main thread. */
export interface MasterKey {
  readonly bytes: Buffer
  readonly source: KeySource
}

/** Where a master key comes from. */
export type KeySource = 'file' | 'environment' | 'passphrase'

/** What finding the master key needs. */
export interface MasterKeyOptions {
  readonly database: Database
  readonly env?: NodeJS.ProcessEnv
  /** Asks a person for the passphrase; absent: only the environment is looked at. */
  readonly ask?: (question: string) => Promise<string>
}

/** Environment variables that give the master key, and the next one for `rekey`. */
export const keyVariables = {
  key: 'CLAWPATROL_MASTER_KEY',
  passphrase: 'CLAWPATROL_MASTER_PASSPHRASE',
  nextKey: 'CLAWPATROL_NEXT_MASTER_KEY',
  nextPassphrase: 'CLAWPATROL_NEXT_MASTER_PASSPHRASE',
} as const

const checkSetting = 'master.check'
const sourceSetting = 'master.source'
const saltSetting = 'master.salt'
const checkContext = 'clawpatrol master key check'

/**
 * Finds the master key: from CLAWPATROL_MASTER_KEY, from CLAWPATROL_MASTER_PASSPHRASE, or from `master.key` in the
 * state directory, which is made at first start.
 * @throws ClawError CP_SECRET when it is not the key the records are sealed with, or there is none
 */
export async function openMasterKey(options: MasterKeyOptions): Promise<MasterKey> {
  const { database, env = process.env } = options
  const settings = settingsOf(database)
  const given = env[keyVariables.key]
  if (given !== undefined && given !== '') {
    const bytes = keyFromText(given, keyVariables.key)
    return adopt(database, settings, { bytes, source: 'environment' })
  }
  const passphrase = await passphraseFor(options, settings)
  if (passphrase !== null) {
    const bytes = await stretch(passphrase, saltOf(database, settings))
    return adopt(database, settings, { bytes, source: 'passphrase' })
  }
  return database.sqlite.transaction(() => fromFile(database, settings)).immediate()
}

/** Makes the key that is to follow: from the environment, or else a new key file. Nothing is in force yet. */
export async function nextMasterKey({ database, env = process.env }: MasterKeyOptions): Promise<NextKey> {
  const given = env[keyVariables.nextKey]
  if (given !== undefined && given !== '')
    return { bytes: keyFromText(given, keyVariables.nextKey), source: 'environment', salt: null }
  const passphrase = env[keyVariables.nextPassphrase]
  if (passphrase !== undefined && passphrase !== '') {
    const salt = randomBytes(16)
    return { bytes: await stretch(passphrase, salt), source: 'passphrase', salt }
  }
  return { bytes: createKeyFile(nextKeyFilePath(database.stateDir)), source: 'file', salt: null }
}

/** A master key that is not in force yet. */
export interface NextKey extends MasterKey {
  readonly salt: Buffer | null
}

/** Notes a next key as the one in force; call inside the transaction that re-wraps. */
export function noteKey(database: Database, key: NextKey): void {
  const settings = settingsOf(database)
  if (key.salt !== null) settings.set(saltSetting, key.salt.toString('hex'))
  note(settings, key)
}

/** Whether records are still sealed with this key. */
export function isKeyInForce(database: Database, { bytes }: MasterKey): boolean {
  return isRight(settingsOf(database), bytes)
}

/** Puts a next key file in its place; call after the transaction that re-wraps. */
export function placeKey({ stateDir }: Database, key: NextKey): void {
  if (key.source === 'file') renameKeyFile(nextKeyFilePath(stateDir), keyFilePath(stateDir))
}

function fromFile(database: Database, settings: Settings): MasterKey {
  const path = keyFilePath(database.stateDir)
  const bytes = readKeyFile(path)
  if (bytes !== null && (settings.get(checkSetting) === null || isRight(settings, bytes)))
    return adopt(database, settings, { bytes, source: 'file' })
  // a re-wrapping was committed and then interrupted before the file had its name
  const next = settings.get(checkSetting) === null ? null : readKeyFile(nextKeyFilePath(database.stateDir))
  if (next !== null && isRight(settings, next)) {
    renameKeyFile(nextKeyFilePath(database.stateDir), path)
    return { bytes: next, source: 'file' }
  }
  if (bytes !== null) throw wrongKey(settings)
  if (settings.get(checkSetting) !== null) throw missingKey(path, settings)
  return adopt(database, settings, { bytes: createKeyFile(path), source: 'file' })
}

async function passphraseFor({ env = process.env, ask }: MasterKeyOptions, settings: Settings): Promise<string | null> {
  const given = env[keyVariables.passphrase]
  if (given !== undefined && given !== '') return given
  if (settings.get(sourceSetting) !== 'passphrase') return null
  if (ask === undefined) throw missingKey('', settings)
  return await ask('Passphrase of the stored secrets: ')
}

/** Checks the key against the records, or notes it as theirs when it is the first. */
function adopt(database: Database, settings: Settings, key: MasterKey): MasterKey {
  const decide = database.sqlite.transaction(() => {
    if (settings.get(checkSetting) === null) note(settings, key)
    return isRight(settings, key.bytes)
  })
  if (!decide.immediate()) throw wrongKey(settings)
  return key
}

function note(settings: Settings, { bytes, source }: MasterKey): void {
  settings.set(checkSetting, seal(bytes, Buffer.from(checkContext), checkContext).toString('base64'))
  settings.set(sourceSetting, source)
}

function isRight(settings: Settings, bytes: Buffer): boolean {
  const check = settings.get(checkSetting)
  return check !== null && unseal(bytes, Buffer.from(check, 'base64'), checkContext) !== null
}

function saltOf(database: Database, settings: Settings): Buffer {
  const find = database.sqlite.transaction(() => {
    if (settings.get(saltSetting) === null) settings.set(saltSetting, randomBytes(16).toString('hex'))
    return settings.get(saltSetting) ?? ''
  })
  return Buffer.from(find.immediate(), 'hex')
}

/** scrypt with N = 2^17, r = 8, p = 1: 128 MiB and about a third of a second. */
function stretch(passphrase: string, salt: Buffer): Promise<Buffer> {
  const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 192 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, keyBytes, cost, (error, key) => {
      if (error === null) resolve(key)
      else reject(new ClawError('CP_SECRET', 'Cannot make a key of the passphrase', { cause: error }))
    })
  })
}

function keyFromText(text: string, variable: string): Buffer {
  const bytes = parseKey(text)
  if (bytes !== null) return bytes
  throw new ClawError('CP_SECRET', `Cannot use ${variable}: it is not 32 bytes in hexadecimal or base64`, {
    hint: 'openssl rand -hex 32 makes one',
  })
}

function wrongKey(settings: Settings): ClawError {
  return new ClawError(
    'CP_SECRET',
    'Cannot open the stored secrets: the master key is not the one they are sealed with',
    {
      hint: `they are sealed with ${words[(settings.get(sourceSetting) ?? 'file') as KeySource]}`,
    },
  )
}

function missingKey(path: string, settings: Settings): ClawError {
  const source = (settings.get(sourceSetting) ?? 'file') as KeySource
  const found = source === 'file' ? `${JSON.stringify(path)} is missing` : 'the master key is not given'
  return new ClawError('CP_SECRET', `Cannot open the stored secrets: ${found}`, {
    hint: source === 'file' ? 'restore the file from a copy' : `they are sealed with ${words[source]}`,
  })
}

const words: { readonly [S in KeySource]: string } = {
  file: 'the key in master.key of the state directory: restore it, and unset the variables that give another',
  environment: `a key from the environment: set ${keyVariables.key}`,
  passphrase: `a passphrase: set ${keyVariables.passphrase}`,
}
