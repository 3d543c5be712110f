import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { type IdentityConfig, identityFiles } from './identity.ts'

/** Everything a join brings, ready to be written. */
export interface NewIdentity {
  readonly config: IdentityConfig
  readonly token: string
  /** null: the join is not for WireGuard. */
  readonly wireguardConf: string | null
  /** null: the join is not for a tailnet. */
  readonly authKey: string | null
  readonly ca: string
}

/** Makes the directory, 0700, and shows that it can be written. @throws ClawError CP_ONBOARD */
export function prepareDir(dir: string): void {
  try {
    makeDir(dir)
    chmodSync(dir, 0o700)
    writeWhole(join(dir, '.probe'), '', 0o600)
    rmSync(join(dir, '.probe'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ClawError('CP_ONBOARD', `Cannot write to ${JSON.stringify(dir)}: ${code ?? 'unknown error'}`, {
      cause: error,
      hint: 'check owner and mode, or choose another directory with CLAWPATROL_DIR',
    })
  }
}

// mkdir's own `recursive` never ends where the kernel answers ENOENT in a directory that is there, as in /proc
function makeDir(dir: string): void {
  try {
    mkdirSync(dir, 0o700)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(dir)
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    makeDir(parent)
    mkdirSync(dir, 0o700)
  }
}

/** Writes an identity. The CA comes last: until then an earlier join stays what commands trust. */
export function saveIdentity(dir: string, identity: NewIdentity): void {
  const write = (name: keyof typeof identityFiles, text: string, mode: number) =>
    writeWhole(join(dir, identityFiles[name]), text, mode)
  const writeOrRemove = (name: keyof typeof identityFiles, text: string | null) => {
    if (text === null) rmSync(join(dir, identityFiles[name]), { force: true })
    else write(name, text, 0o600)
  }
  write('token', `${identity.token}\n`, 0o600)
  writeOrRemove('wireguard', identity.wireguardConf)
  writeOrRemove('authKey', identity.authKey)
  write('mode', `${identity.config.mode}\n`, 0o600)
  write('gateway', `${identity.config.gateway}\n`, 0o644)
  write('config', `${JSON.stringify(identity.config, null, 2)}\n`, 0o600)
  write('ca', identity.ca, 0o644)
}

/** Writes a file so that readers see the old text or the new, whole, never with a wider mode than asked. */
export function writeWhole(path: string, text: string, mode: number): void {
  const next = `${path}.${process.pid}.new`
  const fd = openSync(next, 'wx', mode)
  try {
    // the umask may have taken bits off
    chmodSync(next, mode)
    writeFileSync(fd, text)
    fsyncSync(fd)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  renameSync(next, path)
}
