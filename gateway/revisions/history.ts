import { randomBytes } from 'node:crypto'
import { ClawError } from '../../workers/contract/errors.ts'
import { seal, unseal } from '../secrets/seal.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'
import { type RevisionRow, revisionsOf } from '../store/revisions.ts'
import { packSnapshot, type Snapshot, unpackSnapshot } from './snapshot.ts'

/** What became of a change of the configuration. */
export type Change = Omit<RevisionRow, 'seq' | 'outcome' | 'problems'>

/** What was in force when, by whose doing, and the files it was made of. */
export interface History {
  /** @param snapshot null: the files changed again before they could be kept */
  applied(change: Change, snapshot: Snapshot | null): void
  refused(change: Change, problems: number): void
  /** Newest first. */
  list(limit: number): readonly RevisionRow[]
  current(): RevisionRow | null
  /**
   * @param ref beginning of a hash; null: the one in force before the current one
   * @throws ClawError CP_STORE when there is none, or more than one
   */
  find(ref: string | null): RevisionRow
  /** @throws ClawError CP_STORE when they were not kept or cannot be opened */
  filesOf(revision: string): Snapshot
}

/** Shortest beginning of a hash that stands for it. */
const shortestRef = 4

/** The history in a database; files are sealed under a key of the vault's, so that a copied database tells nothing. */
export function openHistory(database: Database, vault: Pick<Vault, 'ownKey'>): History {
  const revisions = revisionsOf(database)
  const key = Buffer.from(
    vault.ownKey('revisions', () => randomBytes(32).toString('base64')),
    'base64',
  )
  return {
    applied(change, snapshot) {
      const files = snapshot === null ? null : seal(key, packSnapshot(snapshot), contextOf(change.revision))
      revisions.add({ ...change, outcome: 'applied', problems: 0 }, files)
    },
    refused: (change, problems) => void revisions.add({ ...change, outcome: 'refused', problems }, null),
    list: (limit) => revisions.list(limit),
    current: () => revisions.current(),
    find(ref) {
      if (ref === null) {
        const before = revisions.before()
        if (before !== null) return before
        throw new ClawError('CP_STORE', 'No other revision was in force before this one', { hint })
      }
      const [found, another] = /^[0-9a-f]+$/.test(ref) && ref.length >= shortestRef ? revisions.find(ref) : []
      if (found === undefined)
        throw new ClawError('CP_STORE', `No revision that was in force is called ${JSON.stringify(ref)}`, { hint })
      if (another !== undefined)
        throw new ClawError('CP_STORE', `More than one revision begins with ${JSON.stringify(ref)}`, { hint })
      return found
    },
    filesOf(revision) {
      const sealed = revisions.files(revision)
      const short = revision.slice(0, 12)
      if (sealed === null) throw new ClawError('CP_STORE', `The files of revision ${short} were not kept`, { hint })
      const packed = unseal(key, sealed, contextOf(revision))
      if (packed === null) throw new ClawError('CP_STORE', `The files of revision ${short} cannot be opened`, { hint })
      return unpackSnapshot(packed)
    },
  }
}

const hint = 'clawpatrol history lists what was in force'

function contextOf(revision: string): string {
  return `clawpatrol/1 revision ${revision}`
}
