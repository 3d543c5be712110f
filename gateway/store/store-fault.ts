import { ClawError } from '../../workers/contract/errors.ts'

/** What keeps the database from being used. */
export type StoreTrouble = 'full' | 'damaged' | 'denied' | 'busy' | 'io' | 'other'

/** Tells what an error of SQLite or of the file system means. */
export function storeTrouble(error: unknown): StoreTrouble {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return 'other'
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return 'damaged'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'busy'
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ELOOP', 'EEXIST'].includes(code)) return 'denied'
  if (/^SQLITE_(CANTOPEN|READONLY|PERM)/.test(code)) return 'denied'
  return /^(SQLITE_IOERR|EIO|EMFILE|ENFILE)/.test(code) ? 'io' : 'other'
}

/**
 * The sentence people get when the database cannot be used.
 * @param doing what failed, e.g. `Cannot open`
 */
export function storeFault(doing: string, path: string, error: unknown): ClawError {
  if (error instanceof ClawError) return error
  const trouble = storeTrouble(error)
  const code = String((error as { code?: unknown } | null)?.code ?? 'unknown error')
  const [found, hint] = words[trouble]
  return new ClawError('CP_STORE', `${doing} ${JSON.stringify(path)}: ${found} (${code})`, { cause: error, hint })
}

const words: { readonly [T in StoreTrouble]: readonly [found: string, hint: string] } = {
  full: ['the disk is full', 'free some space; nothing recorded so far is lost'],
  damaged: [
    'the file is damaged or no database',
    'restore a copy of it, or move it away to start with an empty one: devices, secrets and records in it are lost',
  ],
  denied: [
    'it cannot be read and written by this user',
    'check owner and mode, or name another state_dir in the gateway block',
  ],
  busy: ['another program keeps it locked', 'end the other program that has the database open'],
  io: ['the disk does not read or write', 'check the disk; dmesg shows what the kernel says of it'],
  other: ['it does not work', 'see what CLAWPATROL_LOG=debug prints'],
}
