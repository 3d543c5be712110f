import type { Unknown } from '../../contract/action.ts'
import type { CredentialName } from '../../contract/ids.ts'
import type { Seen } from '../../contract/plugin.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import type { SearchPath } from '../../wire/sql/search-path.ts'
import { unseenStatement } from '../../wire/sql/unseen-statement.ts'
import type { Params } from './params.ts'
import { describedParams, recordedParams } from './recorded-params.ts'

/** Longest title, characters. */
const longestTitle = 1024
/** Longest text a record shows, characters. */
const longestShown = 4096

/** What of a session the facts of its statements name. */
export interface SessionFacts {
  readonly database: string
  readonly user: string
  readonly credential: CredentialName | null
  readonly path: SearchPath
  /** Whether records show the values of parameters. */
  readonly recordsParams: boolean
}

/**
 * What is said of one statement.
 * @param statement without parameters, and as the search path resolves its names
 */
export function seenOf(
  { facts, unknowns }: AnalysedStatement,
  { database, user, credential, path }: Omit<SessionFacts, 'recordsParams'>,
): Seen {
  const { described: schemas } = path
  const shown = withoutPasswords(facts.statement.slice(0, longestShown))
  const title = shown.replace(/\s+/g, ' ').trim().slice(0, longestTitle)
  return {
    title: title === '' ? 'SQL that cannot be read' : title,
    facts: { sql: { ...facts, database, params: {}, settings: {} } },
    unknowns,
    record: { verb: facts.verb, tables: facts.tables, database, user },
    credential,
    described: () => ({
      sql: {
        statement: withoutPasswords(facts.statement),
        database,
        ...(schemas === undefined ? {} : { search_path: schemas }),
      },
      ...(credential === null ? {} : { credential }),
      ...truncation(unknowns),
    }),
  }
}

/**
 * What is said of a statement with its parameters.
 * @param seen what is said of it without
 */
export function withParams(seen: Seen, statement: AnalysedStatement, params: Params, isRecorded: boolean): Seen {
  const { described } = seen
  return {
    ...seen,
    isKept: false,
    facts: { sql: { ...seen.facts.sql, params: params.kind === 'known' ? params.values : {} } },
    unknowns:
      params.kind === 'unknown' ? [...seen.unknowns, { path: 'sql.params', because: params.because }] : seen.unknowns,
    ...(params.kind === 'pending' ? { pending: ['sql.params'] } : {}),
    record: { ...seen.record, ...recordedParams(statement, params, isRecorded) },
    described: () => {
      const action = described?.() ?? {}
      return { ...action, sql: { statement: '', ...action.sql, ...describedParams(statement, params, isRecorded) } }
    },
  }
}

function truncation(unknowns: readonly Unknown[]) {
  if (unknowns.some(({ because }) => because === 'truncated')) return { truncated: true }
  // a fact that is only sometimes unknown is so again when the text is taken apart again
  return unknowns.some(({ path }) => path === 'sql.verb') ? { unparseable: true } : {}
}

/** A statement of which nothing is known but, where it could be read, its text. */
export function unseen(text: string, because: Unknown['because']): AnalysedStatement {
  return unseenStatement(
    { statement: text },
    because === 'unparsed' ? ['statement', 'settings'] : ['settings'],
    because,
  )
}

/** Whether what the statement does could be seen whole. */
export function isUnderstood({ unknowns }: AnalysedStatement): boolean {
  return unknowns.length === 0
}

const literal = String.raw`(?:[eEnN]|[uU]&)?'(?:[^'\\]|''|\\[\s\S])*'?|\$([A-Za-z_\u0080-\uffff]?[\w\u0080-\uffff]*)\$[\s\S]*?(?:\$\2\$|$)`
const afterPassword = new RegExp(String.raw`(\bpassword\s+)(?:${literal})`, 'gi')
const inConnection = /(\bpassword\s*=\s*)(?:\\?'[^']*'?|[^\s'";]+)/gi

/** Masks passwords that statements may hold: of roles, user mappings and connections. */
function withoutPasswords(text: string): string {
  if (!/password/i.test(text)) return text
  return text.replace(afterPassword, "$1'***'").replace(inConnection, '$1***')
}
