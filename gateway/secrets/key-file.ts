import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { keyBytes } from './seal.ts'

/** Where the master key is when no environment variable gives it. */
export function keyFilePath(stateDir: string): string {
  return join(stateDir, 'master.key')
}

/** Where the next master key waits while records are being re-wrapped. */
export function nextKeyFilePath(stateDir: string): string {
  return join(stateDir, 'master.key.next')
}

/**
 * Reads a master key; null when there is no such file.
 * @throws ClawError CP_SECRET when other users may read it, or it holds no key
 */
export function readKeyFile(path: string): Buffer | null {
  if (!existsSync(path)) return null
  const fail = (found: string, hint: string, cause?: unknown) =>
    new ClawError('CP_SECRET', `Cannot use the master key in ${JSON.stringify(path)}: ${found}`, { hint, cause })
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    throw fail(`it cannot be read (${code})`, 'run this as the user who owns it; a symbolic link is refused', error)
  }
  try {
    const { mode, uid } = fstatSync(fd)
    if ((mode & 0o077) !== 0) throw fail('other users may read it', `chmod 600 ${path}`)
    const me = process.getuid?.()
    if (me !== undefined && uid !== me && uid !== 0) throw fail('it belongs to another user', `chown it to yourself`)
    const key = parseKey(readFileSync(fd, 'utf8'))
    if (key === null) throw fail('it is no key', 'restore it from a copy: without it no stored secret can be read')
    return key
  } finally {
    closeSync(fd)
  }
}

/** Writes a new random key where there is none. @returns the key */
export function createKeyFile(path: string): Buffer {
  const key = randomBytes(keyBytes)
  // written whole before it has its name: a crash leaves no half a key
  const draft = `${path}.${process.pid}`
  const fd = openSync(draft, 'w', 0o600)
  try {
    writeFileSync(fd, `${key.toString('hex')}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameKeyFile(draft, path)
  return key
}

/** Gives a key file its name for good. */
export function renameKeyFile(from: string, to: string): void {
  renameSync(from, to)
  const folder = openSync(dirname(to), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Reads 32 bytes in hexadecimal or base64; null for anything else. */
export function parseKey(text: string): Buffer | null {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64')
  return null
}
