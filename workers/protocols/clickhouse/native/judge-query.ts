import { ClawError } from '../../../contract/errors.ts'
import type { CredentialName } from '../../../contract/ids.ts'
import type { Session } from '../../../contract/plugin.ts'
import { redeem } from '../../../rules/gate.ts'
import type { Query } from '../../../wire/clickhouse/query.ts'
import { noFacts } from '../../../wire/sql/unseen-statement.ts'
import { joinName } from '../seen.ts'
import { seenOf } from '../sql-facts.ts'
import { codes, denial, refusal } from './respond.ts'
import { type Cleared, closeAction } from './running.ts'
import type { ReadQuery, SessionSql } from './session-sql.ts'

/** What judging needs to know of a session. */
export interface JudgingParts {
  readonly session: Session
  readonly sql: SessionSql
  readonly user: string
  readonly credential: CredentialName | null
  readonly recordsParams: boolean
  /** Whether what is judged may still be sent. */
  readonly isWanted: () => boolean
}

/** Whether something goes to the server; what the agent is told where it does not. */
export type Verdict =
  | { readonly kind: 'cleared'; readonly cleared: readonly Cleared[] }
  | { readonly kind: 'denied'; readonly told: Buffer }
  | { readonly kind: 'unwanted' }

/** Judges a query; what is cleared has its leave used up. */
export async function judgeQuery(parts: JudgingParts, query: Query): Promise<Verdict> {
  const foreign = foreignness(query)
  if (foreign === null) return await judgeAll(parts, parts.sql.read(query))
  parts.session.refuse('a query of another server', foreign, { user: parts.user })
  const told = refusal(codes.accessDenied, `clawpatrol denied this statement: ${foreign}`)
  return { kind: 'denied', told }
}

/** Judges a question about the replicas of tables. */
export async function judgeTablesStatus(
  parts: JudgingParts,
  tables: readonly { readonly database: string; readonly table: string }[],
): Promise<Verdict> {
  const names = tables.map(({ database, table }) => joinName(database === '' ? [table] : [database, table]))
  const facts = { ...noFacts, verb: 'tables status', verbs: ['tables status'], tables: [...new Set(names)].sort() }
  const statement = { facts: { ...facts, statement: 'TABLES STATUS' }, unknowns: [] }
  return await judgeAll(parts, { statements: [statement], settings: {}, params: {} })
}

async function judgeAll(parts: JudgingParts, { statements, settings, params }: ReadQuery): Promise<Verdict> {
  const { session, sql, user, credential, recordsParams, isWanted } = parts
  const request = { database: sql.database, user, credential, settings, params, recordsParams }
  const cleared: Cleared[] = []
  for (const statement of statements) {
    const judged = await session.judge(seenOf(statement, request))
    if (judged.ruling.kind === 'deny') {
      closeUnsent(parts, cleared, 'not sent: another statement of the query was denied')
      closeAction(session, judged, { status: 'denied' })
      return { kind: 'denied', told: denial(judged.ruling, judged.action.id) }
    }
    cleared.push({ statement, judged })
    if (isWanted()) continue
    closeUnsent(parts, cleared, 'not sent: the agent did not wait for it')
    return { kind: 'unwanted' }
  }
  for (const { judged } of cleared) {
    if (judged.ruling.kind !== 'allow') throw new ClawError('CP_FORBIDDEN', 'what was denied is not sent')
    redeem(judged.ruling.permit, judged.action.id)
  }
  return { kind: 'cleared', cleared }
}

function closeUnsent({ session }: JudgingParts, cleared: readonly Cleared[], error: string): void {
  for (const { judged } of cleared) closeAction(session, judged, { status: 'error', error })
}

/** Why a query is one that only servers send each other; null: it is not. */
function foreignness({ secret, info }: Query): string | null {
  if (secret.length > 0) return 'it has the secret of a cluster'
  return info.kind === 'secondary' ? 'it is said to be part of a query of another server' : null
}
