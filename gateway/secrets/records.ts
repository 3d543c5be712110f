import { randomBytes } from 'node:crypto'
import { ClawError } from '../../workers/contract/errors.ts'
import type { SealedId, SealedRow } from '../store/sealed.ts'
import { keyBytes, seal, unseal } from './seal.ts'

/** Seals a value under a new key of its own, and that key under the master key. */
export function sealRecord(master: Buffer, id: SealedId, value: string, updatedAt: number): SealedRow {
  const context = contextOf(id)
  const recordKey = randomBytes(keyBytes)
  const row = {
    ...id,
    wrappedKey: seal(master, recordKey, `key ${context}`),
    value: seal(recordKey, Buffer.from(value), `value ${context}`),
    updatedAt,
  }
  recordKey.fill(0)
  return row
}

/**
 * Opens a record.
 * @throws ClawError CP_SECRET when the key is another, the row was moved from elsewhere, or its bytes changed
 */
export function openRecord(master: Buffer, row: SealedRow): string {
  const recordKey = recordKeyOf(master, row)
  const value = unseal(recordKey, row.value, `value ${contextOf(row)}`)
  recordKey.fill(0)
  if (value === null) throw unreadable(row)
  return value.toString('utf8')
}

/** The record's own key wrapped under another master key. @throws ClawError CP_SECRET like `openRecord` */
export function rewrapRecord(master: Buffer, next: Buffer, row: SealedRow): Buffer {
  const recordKey = recordKeyOf(master, row)
  const wrapped = seal(next, recordKey, `key ${contextOf(row)}`)
  recordKey.fill(0)
  return wrapped
}

function recordKeyOf(master: Buffer, row: SealedRow): Buffer {
  const recordKey = unseal(master, row.wrappedKey, `key ${contextOf(row)}`)
  if (recordKey === null) throw unreadable(row)
  return recordKey
}

/** Unambiguous: JSON escapes whatever a name may hold. */
function contextOf({ scope, name, slot }: SealedId): string {
  return `clawpatrol/1 ${JSON.stringify([scope, name, slot])}`
}

function unreadable({ scope, name }: SealedId): ClawError {
  const what = scope === 'credential' ? `the secret of ${JSON.stringify(name)}` : `the gateway's ${name}`
  return new ClawError('CP_SECRET', `Cannot open ${what}: it was changed, or sealed with another master key`, {
    hint:
      scope === 'credential'
        ? `store it again with clawpatrol secret set ${name}; after a change of the master key restart the gateway`
        : 'restore the state directory from a copy; after a change of the master key restart the gateway',
  })
}
