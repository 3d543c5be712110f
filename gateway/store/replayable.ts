import type { Database } from './database.ts'

/** An action on record with everything needed to judge it again. */
export interface ReplayableRow {
  readonly seq: number
  readonly id: string
  readonly openedAt: number
  /** The device's name when it happened. */
  readonly node: string | null
  readonly device: string | null
  readonly profile: string | null
  readonly endpoint: string | null
  readonly protocol: string
  readonly credential: string | null
  readonly title: string
  /** JSON list of unknowns; null: none. */
  readonly unknowns: string | null
  readonly verdict: 'allow' | 'deny' | 'ask'
  readonly decidedBy: 'rule' | 'default' | 'failsafe'
  readonly rule: string | null
  readonly cause: string | null
  readonly reason: string | null
  /** JSON of a `DescribedAction`; null: it cannot be judged again. */
  readonly described: string | null
  /** First bytes of the request body, secrets taken out; null: none on record. */
  readonly body: Buffer | null
  /** SHA-256 of the whole body, hex; null where it was not read to its end. */
  readonly bodySha256: string | null
  readonly contentType: string | null
}

/** Which actions to judge again; times are epoch ms, the end excluded. */
export interface ReplayRange {
  readonly since: number
  readonly until: number
}

/** Reads actions to judge them again. */
export interface Replayable {
  get(id: string): ReplayableRow | null
  /** In the order they began, a page at a time: no page holds the database. */
  pages(range: ReplayRange): Generator<readonly ReplayableRow[]>
  count(range: ReplayRange): number
  /** When the newest `limit` of them begin, epoch ms; the beginning of the range when there are fewer. */
  sinceOf(range: ReplayRange, limit: number): number
}

/** Each may have a body of 1 MiB. */
const pageRows = 32

/** The queries of replays. */
export function replayableOf({ sqlite }: Database): Replayable {
  const byId = sqlite.prepare(`${select} WHERE a.id = ?`)
  const next = sqlite.prepare(
    `${select} WHERE a.opened_at >= @from AND a.opened_at < @until AND (a.opened_at > @from OR a.seq > @seq)
     ORDER BY a.opened_at, a.seq LIMIT ${pageRows}`,
  )
  const count = sqlite.prepare('SELECT count(*) FROM actions WHERE opened_at >= ? AND opened_at < ?').pluck()
  const nth = sqlite
    .prepare(
      'SELECT opened_at FROM actions WHERE opened_at >= ? AND opened_at < ? ORDER BY opened_at DESC LIMIT 1 OFFSET ?',
    )
    .pluck()
  return {
    get: (id) => (byId.get(id) as ReplayableRow | undefined) ?? null,
    *pages({ since, until }) {
      let [from, seq] = [since, 0]
      for (;;) {
        const rows = next.all({ from, until, seq }) as ReplayableRow[]
        if (rows.length > 0) yield rows
        const last = rows.at(-1)
        if (last === undefined || rows.length < pageRows) return
        from = last.openedAt
        seq = last.seq
      }
    },
    count: ({ since, until }) => Number(count.get(since, until)),
    sinceOf: ({ since, until }, limit) => Number(nth.get(since, until, limit - 1) ?? since),
  }
}

const select = `SELECT a.seq, a.id, a.opened_at AS openedAt, a.node, a.device, a.profile, a.endpoint, a.protocol,
    a.credential, a.title, a.unknowns, a.verdict, a.decided_by AS decidedBy, a.rule, a.cause, a.reason, a.described,
    s.bytes AS body, s.sha256 AS bodySha256, s.content_type AS contentType
  FROM actions a LEFT JOIN samples s ON s.id =
    (SELECT min(id) FROM samples WHERE action = a.seq AND kind = 'request')`
