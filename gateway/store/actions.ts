import type { ActionId } from '../../workers/contract/ids.ts'
import { type ActionRow, type ActionView, actionView } from './action-view.ts'
import type { Database } from './database.ts'

/** Which records to read. */
export interface ActionFilter {
  /** Began at or after, epoch ms. */
  readonly since?: number
  /** Name or id. */
  readonly device?: string
  readonly endpoint?: string
  readonly denied?: boolean
  /** A shadow rule that would have decided; `true`: any. */
  readonly shadow?: string | true
  /** Only records after this one, by `seq`. */
  readonly after?: number
  /** The newest so many; with `after`, the oldest so many. */
  readonly limit: number
}

/** A body or frame on record. */
export interface SampleView {
  readonly kind: 'request' | 'response' | 'frame-up' | 'frame-down'
  readonly bytes: Uint8Array
  readonly total: number
  readonly sha256: string | null
  readonly contentType: string | null
  readonly at: number
}

/** Reads the record. */
export interface Actions {
  /** Oldest first. */
  list(filter: ActionFilter): readonly ActionView[]
  get(id: ActionId | string): ActionView | null
  bySeq(seq: number): ActionView | null
  samples(id: ActionId | string): readonly SampleView[]
  /** `seq` of the newest record, 0 when there is none. */
  newest(): number
  count(): number
}

/** The action tables' reading queries. */
export function actionsOf({ sqlite }: Database): Actions {
  const byId = sqlite.prepare(`SELECT ${columns} FROM actions WHERE id = ?`)
  const bySeq = sqlite.prepare(`SELECT ${columns} FROM actions WHERE seq = ?`)
  const newest = sqlite.prepare('SELECT seq FROM actions ORDER BY seq DESC LIMIT 1').pluck()
  const count = sqlite.prepare('SELECT count(*) FROM actions').pluck()
  const samples = sqlite.prepare(
    `SELECT kind, bytes, total, sha256, content_type AS contentType, at FROM samples
     WHERE action = (SELECT seq FROM actions WHERE id = ?) ORDER BY id`,
  )
  return {
    list(filter) {
      const { where, values } = conditions(filter)
      const isFollowing = filter.after !== undefined
      const order = isFollowing ? 'ASC' : 'DESC'
      const rows = sqlite
        .prepare(`SELECT ${columns} FROM actions ${where} ORDER BY seq ${order} LIMIT @limit`)
        .all({ ...values, limit: filter.limit }) as ActionRow[]
      return (isFollowing ? rows : rows.reverse()).map(actionView)
    },
    get: (id) => viewOrNull(byId.get(id)),
    bySeq: (seq) => viewOrNull(bySeq.get(seq)),
    samples: (id) => samples.all(id) as SampleView[],
    newest: () => Number(newest.get() ?? 0),
    count: () => Number(count.get()),
  }
}

const columns = `seq, id, flow, device, node, user, source, target, target_name AS targetName, profile, endpoint, protocol,
  credential, title, facts, unknowns, verdict, decided_by AS decidedBy, rule, cause, reason, shadows, status, error,
  bytes_up AS bytesUp, bytes_down AS bytesDown, opened_at AS openedAt, closed_at AS closedAt,
  duration_ms AS durationMs`

function conditions(filter: ActionFilter): { readonly where: string; readonly values: object } {
  const { since, device, endpoint, shadow, after } = filter
  const parts: string[] = []
  if (since !== undefined) parts.push('opened_at >= @since')
  if (device !== undefined) parts.push('(node = @device OR device = @device)')
  if (endpoint !== undefined) parts.push('endpoint = @endpoint')
  if (after !== undefined) parts.push('seq > @after')
  // written as the partial indexes have it
  if (filter.denied === true) parts.push("verdict = 'deny'")
  if (shadow !== undefined) parts.push('shadows IS NOT NULL')
  if (typeof shadow === 'string')
    parts.push("EXISTS (SELECT 1 FROM json_each(shadows) WHERE value ->> 'rule' = @shadow)")
  const values = Object.fromEntries(
    Object.entries({ since, device, endpoint, shadow, after }).filter(([, v]) => v !== undefined && v !== true),
  )
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values }
}

function viewOrNull(row: unknown): ActionView | null {
  return row === undefined ? null : actionView(row as ActionRow)
}
