import { X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropChange, noteChange, type TrustChange } from './journal.ts'
import { runSystemCommand, type SystemCommand } from './system-command.ts'

/** Where a family of distributions keeps roots people add, and what rebuilds its store. */
interface TrustStore {
  readonly dir: string
  readonly refresh: readonly string[]
}

/** Debian, RHEL, Arch; Alpine has Debian's paths. The first whose directory is there is used. */
const stores: readonly TrustStore[] = [
  { dir: '/usr/local/share/ca-certificates', refresh: ['update-ca-certificates'] },
  { dir: '/etc/pki/ca-trust/source/anchors', refresh: ['update-ca-trust', 'extract'] },
  { dir: '/etc/ca-certificates/trust-source/anchors', refresh: ['trust', 'extract-compat'] },
]

/** What became of the machine's trust. */
export type TrustResult =
  | { readonly kind: 'installed' }
  | { readonly kind: 'present' }
  /** `commands` do it by hand. */
  | { readonly kind: 'skipped'; readonly why: string; readonly commands: readonly string[] }

/** What to trust, and on which machine. */
export interface TrustOptions {
  /** The identity directory, which holds the journal. */
  readonly dir: string
  /** PEM. */
  readonly ca: string
  /** Root of the file system the stores are looked for in; tests have their own. */
  readonly root?: string
  readonly run?: SystemCommand
}

/** Puts the gateway's CA among the machine's roots, as root or through sudo. Failing that, says how to do it. */
export async function installTrust({
  dir,
  ca,
  root = '/',
  run = runSystemCommand,
}: TrustOptions): Promise<TrustResult> {
  const store = stores.find((candidate) => existsSync(join(root, candidate.dir)))
  if (store === undefined) return { kind: 'skipped', why: 'it is of a kind this program does not know', commands: [] }
  const file = join(root, store.dir, 'clawpatrol.crt')
  if (isSame(file, ca)) return { kind: 'present' }
  const change: TrustChange = { kind: 'trust', file, refresh: store.refresh }
  noteChange(dir, change)
  // from a copy nobody else can write: what was approved is what gets installed
  const copyDir = mkdtempSync(join(tmpdir(), 'clawpatrol-ca-'))
  const copy = join(copyDir, 'clawpatrol.crt')
  try {
    writeFileSync(copy, ca, { mode: 0o600 })
    await run(['install', '-m', '0644', copy, file])
    await run(store.refresh)
    return { kind: 'installed' }
  } catch (error) {
    if (!existsSync(file)) dropChange(dir, change)
    const why = error instanceof Error ? error.message : String(error)
    const commands = [`sudo install -m 0644 ${join(dir, 'ca.crt')} ${file}`, `sudo ${store.refresh.join(' ')}`]
    return { kind: 'skipped', why, commands }
  } finally {
    rmSync(copyDir, { recursive: true, force: true })
  }
}

/** Undoes what `installTrust` did. Nothing to do is fine. */
export async function removeTrust(change: TrustChange, run: SystemCommand = runSystemCommand): Promise<void> {
  if (!existsSync(change.file)) return
  await run(['rm', '-f', change.file])
  await run(change.refresh)
}

function isSame(file: string, ca: string): boolean {
  try {
    const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256
    return fingerprint(readFileSync(file, 'utf8')) === fingerprint(ca)
  } catch {
    return false
  }
}
