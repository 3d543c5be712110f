import { dropChange, type FileChange, readJournal, type SystemChange } from '../journal.ts'
import { removeTrust } from '../trust.ts'
import type { Host } from './host.ts'
import { contentHash, readHostFile, removeUnfinished, writeHostFile } from './host-file.ts'
import { bringDown } from './interface.ts'
import { removeRule } from './rules.ts'
import { removeLines } from './shell-rc.ts'
import { clearExitNode, leaveTailnet } from './tailnet-login.ts'

/** What became of one change that was to be undone. */
export interface Undone {
  readonly label: string
  /** null: done; else what was left, and why. */
  readonly left: string | null
}

/**
 * Takes back what the journal has, the newest first. A step that fails stays in the journal and the ones before it
 * are tried all the same; what is gone already is fine.
 */
export async function undoChanges(
  dir: string,
  host: Host,
  which: (change: SystemChange) => boolean,
): Promise<readonly Undone[]> {
  const undone: Undone[] = []
  for (const change of [...readJournal(dir)].reverse().filter(which)) {
    const label = labelOf(change)
    try {
      const left = await undo(change, host)
      dropChange(dir, change)
      undone.push({ label, left })
    } catch (error) {
      undone.push({ label, left: error instanceof Error ? error.message : String(error) })
    }
  }
  return undone
}

/** Whether a change is one of whole-machine routing. */
export function isRouting(change: SystemChange): boolean {
  return change.kind !== 'trust'
}

async function undo(change: SystemChange, host: Host): Promise<string | null> {
  switch (change.kind) {
    case 'trust':
      await removeTrust(change, async (words) => {
        await host.asRoot(words)
      })
      return null
    case 'file':
      return await restoreFile(change, host)
    case 'dir':
      await host.asRoot(['sh', '-c', 'rmdir "$1" 2>/dev/null || true', 'removing', change.path])
      return null
    case 'lines':
      return removeLines(change)
    case 'rule':
      await removeRule(host, change)
      return null
    case 'interface':
      await bringDown(host, change.name)
      return null
    case 'unit':
      await host.asRoot(['systemctl', 'disable', change.name])
      return null
    case 'tailnet':
      return await leaveTailnet(host, change)
    case 'exit-node':
      await clearExitNode(host, change)
      return null
    default:
      return change satisfies never
  }
}

async function restoreFile({ path, before, wrote }: FileChange, host: Host): Promise<string | null> {
  await removeUnfinished(host, path)
  const now = await readHostFile(host, path)
  if (JSON.stringify(now) === JSON.stringify(before)) return null
  // empty: a write into a mounted file that was cut off
  const isOurs = now.kind === 'absent' || contentHash(now) === wrote || (now.kind === 'file' && now.base64 === '')
  if (isOurs) {
    await writeHostFile(host, path, before)
    return null
  }
  if (before.kind === 'absent') return `${path} was changed since: it is left as it is`
  const kept = `${path}.clawpatrol.bak`
  await writeHostFile(host, kept, before)
  return `${path} was changed since: it is left as it is; what was there before joining is in ${kept}`
}

function labelOf(change: SystemChange): string {
  switch (change.kind) {
    case 'trust':
      return "CA taken off this machine's roots"
    case 'file':
      return `${change.path} as it was`
    case 'dir':
      return `${change.path} removed`
    case 'lines':
      return `${change.path} without our lines`
    case 'rule':
      return `routing rule ${change.words.join(' ')} (IPv${change.family}) removed`
    case 'interface':
      return `interface ${change.name} down`
    case 'unit':
      return `unit ${change.name} disabled`
    case 'tailnet':
      return 'tailnet left'
    case 'exit-node':
      return 'no exit node any more'
    default:
      return change satisfies never
  }
}
