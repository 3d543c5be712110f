import { createHash } from 'node:crypto'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { FileState } from '../journal.ts'
import type { Host } from './host.ts'

// fixed texts; everything that varies is an argument. `sh` and coreutils or busybox are all they need
const readScript = `set -e
if [ -L "$1" ]; then echo symlink; readlink "$1"
elif [ -f "$1" ]; then stat -c 'file %a %u %g' "$1"; base64 "$1"
elif [ -e "$1" ]; then echo other
else echo absent; fi`

// beside the old one, on disk, then in its place. What is mounted there, as in containers, can only be written into
const writeScript = `set -e
new="$1.clawpatrol-new"
trap 'rm -f "$new"' EXIT
umask 077
cat > "$new"
chown "$3:$4" "$new"
chmod "$2" "$new"
sync "$new" 2>/dev/null || sync
mv -f "$new" "$1" 2>/dev/null || cat "$new" > "$1"
sync`

const linkScript = `set -e
new="$1.clawpatrol-new"
trap 'rm -f "$new"' EXIT
rm -f "$new"
ln -s "$2" "$new"
mv -f "$new" "$1"
sync`

/** Reads what is at a path of the machine, whoever owns it. @throws ClawError CP_ONBOARD when it is neither file nor link */
export async function readHostFile(host: Host, path: string): Promise<FileState> {
  const said = await host.asRoot(['sh', '-c', readScript, 'reading', path])
  const end = said.indexOf('\n')
  const [kind, mode, uid, gid] = said.slice(0, end).split(' ')
  const rest = said.slice(end + 1)
  if (kind === 'absent') return { kind }
  if (kind === 'symlink') return { kind, target: rest.replace(/\n$/, '') }
  if (kind === 'file')
    return {
      kind,
      base64: rest.replaceAll('\n', ''),
      mode: Number.parseInt(mode ?? '', 8),
      uid: Number(uid),
      gid: Number(gid),
    }
  throw new ClawError('CP_ONBOARD', `Cannot replace ${JSON.stringify(path)}: it is no file`)
}

/** Brings a path of the machine into a state, so that readers see the old one or the new one. */
export async function writeHostFile(host: Host, path: string, state: FileState): Promise<void> {
  switch (state.kind) {
    case 'absent':
      await host.asRoot(['rm', '-f', path])
      return
    case 'symlink':
      await host.asRoot(['sh', '-c', linkScript, 'writing', path, state.target])
      return
    case 'file':
      await writeBytes(host, path, state)
      return
    default:
      state satisfies never
  }
}

/** Removes what a write that was cut off left beside a path. */
export async function removeUnfinished(host: Host, path: string): Promise<void> {
  await host.asRoot(['rm', '-f', `${path}.clawpatrol-new`])
}

/** SHA-256 of the content of a state, hex; null when it has none. */
export function contentHash(state: FileState): string | null {
  return state.kind === 'file' ? createHash('sha256').update(state.base64, 'base64').digest('hex') : null
}

/** A file with a text, owned by root. */
export function rootFile(text: string, mode: number): Extract<FileState, { kind: 'file' }> {
  return { kind: 'file', base64: Buffer.from(text).toString('base64'), mode, uid: 0, gid: 0 }
}

// through its standard input: a copy in a file would outlive a program that is killed
async function writeBytes(host: Host, path: string, state: Extract<FileState, { kind: 'file' }>): Promise<void> {
  const owner = [state.mode.toString(8), String(state.uid), String(state.gid)]
  await host.asRoot(['sh', '-c', writeScript, 'writing', path, ...owner], Buffer.from(state.base64, 'base64'))
}
