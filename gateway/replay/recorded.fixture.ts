import { hash } from 'node:crypto'
import type { ActionEvent, Sample } from '../../workers/contract/action.ts'
import type { DescribedAction } from '../../workers/contract/described.ts'
import type { ProfileName } from '../../workers/contract/ids.ts'
import { aFlow, closed, opened } from '../recorder/events.fixture.ts'
import { Recorder } from '../recorder/recorder.ts'
import { buildRedactor } from '../recorder/redact.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { type ReplayableRow, replayableOf } from '../store/replayable.ts'

/** One action to put on record, as a worker would report it. */
export interface ToRecord extends Omit<NonNullable<Parameters<typeof opened>[0]>, 'described'> {
  readonly described?: DescribedAction
  readonly body?: string | Buffer
  /** The rest of a body longer than its sample, bytes. */
  readonly more?: number
  readonly device?: string
  readonly profile?: string
  readonly ruled?: Extract<ActionEvent, { kind: 'ruled' }>['ruling']
}

/** Puts actions on record with the real recorder. @returns their rows */
export async function recordAll(
  database: Database,
  all: readonly ToRecord[],
  secrets: readonly string[] = [],
): Promise<readonly ReplayableRow[]> {
  const recorder = new Recorder({ database, redactor: () => buildRedactor(secrets) })
  const ids: string[] = []
  for (const { described, body, more = 0, device = 'laptop', profile = 'default', ruled, ...parts } of all) {
    const begin = opened({ ...parts, ...(described === undefined ? {} : { described: JSON.stringify(described) }) })
    const { id, at } = begin.action
    ids.push(id)
    const events: ActionEvent[] = [begin]
    if (ruled !== undefined) events.push({ kind: 'ruled', action: id, ruling: ruled })
    events.push(closed(id, { at, request: body === undefined ? null : sampleOf(Buffer.from(body), more) }))
    await recorder.record({ ...aFlow, profile: profile as ProfileName, peer: { ...aFlow.peer, node: device } }, events)
  }
  await recorder.stop()
  await using reading = openDatabase(database.stateDir)
  const { get } = replayableOf(reading)
  return ids.map((id) => get(id)).filter((row) => row !== null)
}

function sampleOf(bytes: Buffer, more: number): Sample {
  return { bytes, total: bytes.length + more, sha256: more === 0 ? hash('sha256', bytes) : null, contentType: null }
}
