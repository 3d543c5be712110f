import { hash } from 'node:crypto'
import type { Unknown } from '../../workers/contract/action.ts'
import { type DescribedAction, type DescribedHttp, masked } from '../../workers/contract/described.ts'
import { redactedMark } from '../recorder/redact.ts'
import type { ReplayableRow } from '../store/replayable.ts'
import { decodedBody } from './recorded-body.ts'

/** An action from the record, as it can be judged again. */
export interface RecordedDescription {
  readonly action: DescribedAction
  /** Whether something of it is not in the record: a rule that reads it cannot be told to match. */
  readonly isMasked: boolean
  /** What: `http.body`, `http.headers`, `http.headers.Authorization`, `sql.statement`, … */
  readonly masked: readonly string[]
  /** Facts that could not be determined when it happened, and that are therefore left out of it. */
  readonly unknowns: readonly Unknown[]
}

/**
 * Puts an action together again from its row and the sample of its body.
 * null: nothing was kept to judge it by, as of connections that were refused before they said anything.
 */
export function describedAction(row: ReplayableRow): RecordedDescription | null {
  const kept = parsed(row.described)
  if (kept === null) return null
  const missing = new Set<string>()
  const unknowns = row.unknowns === null ? [] : (JSON.parse(row.unknowns) as Unknown[])
  const isUnreadable = unknowns.some(({ path, because }) => path === 'http.body' && because === 'undecodable')
  const http =
    kept.http === undefined ? null : joinHttp(kept.http, isUnreadable ? { ...row, body: null } : row, missing)
  // of a statement the description itself says whether it was whole
  const isCut = missing.has('http.body') && !isUnreadable && kept.sql === undefined
  const left = unknowns.filter(({ path }) => missing.delete(path))
  const { host, ...families } = kept
  const action: DescribedAction = {
    ...(host === undefined ? {} : { host }),
    ...(row.credential === null ? {} : { credential: row.credential }),
    ...(row.profile === null ? {} : { profile: row.profile }),
    ...(row.node === null ? {} : { device: row.node }),
    at: new Date(row.openedAt).toISOString(),
    ...families,
    ...(http === null ? {} : { http }),
    ...(isCut ? { truncated: true } : {}),
    ...(isUnreadable && kept.sql === undefined ? { unparseable: true } : {}),
  }
  for (const family of ['http', 'k8s', 'sql', 'ssh'] as const) note(action[family], family, missing)
  return { action, isMasked: missing.size > 0, masked: [...missing].sort(), unknowns: left }
}

function parsed(described: string | null): DescribedAction | null {
  if (described === null) return null
  try {
    return JSON.parse(described) as DescribedAction
  } catch {
    return null
  }
}

/** A description holds path, query and headers unless they were unknown or too long, and `body` only where none was. */
function joinHttp(http: DescribedHttp, row: ReplayableRow, missing: Set<string>): DescribedHttp {
  for (const member of ['path', 'query', 'headers'] as const)
    if (http[member] === undefined) missing.add(`http.${member}`)
  if (http.body !== undefined || http.body_b64 !== undefined) return http
  // whole, and nothing taken out of it
  const isWhole = row.body !== null && row.bodySha256 !== null && hash('sha256', row.body) === row.bodySha256
  const body = isWhole ? decodedBody(row.body, http.headers ?? {}) : null
  if (body === null) missing.add('http.body')
  return { ...http, ...body }
}

/** Finds what was masked when it was recorded. */
function note(value: unknown, path: string, missing: Set<string>): void {
  if (typeof value === 'string') {
    if (value === masked || value.includes(redactedMark)) missing.add(path)
  } else if (Array.isArray(value)) {
    for (const each of value) note(each, path, missing)
  } else if (value !== null && typeof value === 'object') {
    for (const [name, each] of Object.entries(value)) note(each, `${path}.${name}`, missing)
  }
}
