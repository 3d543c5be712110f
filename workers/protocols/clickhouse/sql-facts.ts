import type { Unknown } from '../../contract/action.ts'
import { isSensitive, masked } from '../../contract/described.ts'
import type { CredentialName } from '../../contract/ids.ts'
import type { Seen } from '../../contract/plugin.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import { unseenStatement } from '../../wire/sql/unseen-statement.ts'
import { inDatabase } from './in-database.ts'
import { withoutSecrets } from './without-secrets.ts'

/** What of a request the facts of its statements name. */
export interface RequestFacts {
  /** Empty: the one the server gives the user; null: it cannot be told which one it uses. */
  readonly database: string | null
  readonly user: string
  readonly credential: CredentialName | null
  /** Given beside the text. */
  readonly settings: Values
  /** null: it cannot be told which values the server takes. */
  readonly params: Values | null
  /** Whether their values may be recorded. */
  readonly recordsParams: boolean
}

interface Values {
  readonly [name: string]: string
}

/** Longest title, characters. */
const longestTitle = 1024
/** Longest text a record shows, characters. */
const longestShown = 4096

/** What is said of one statement. */
export function seenOf(statement: AnalysedStatement, request: RequestFacts): Seen {
  const { database, user, credential, settings, params, recordsParams } = request
  const { facts, unknowns } = inDatabase(statement, database)
  const title = withoutSecrets(facts.statement.slice(0, longestShown)).replace(/\s+/g, ' ').trim()
  const given = shown(settings)
  const taken = params === null ? null : recordsParams ? params : hidden(params)
  return {
    title: title === '' ? 'SQL that cannot be read' : title.slice(0, longestTitle),
    facts: {
      // in both, the statement's own holds
      sql: { ...facts, database: database ?? '', params: params ?? {}, settings: { ...settings, ...facts.settings } },
    },
    unknowns: [
      ...unknowns,
      ...(database === null ? [unknown('sql.database')] : []),
      ...(params === null ? [unknown('sql.params')] : []),
    ],
    record: {
      verb: facts.verb,
      tables: facts.tables,
      database,
      user,
      ...(isEmpty(settings) ? {} : { settings: given }),
      ...(taken === null || isEmpty(taken) ? {} : { params: taken }),
    },
    credential,
    described: () => ({
      sql: {
        statement: withoutSecrets(facts.statement),
        ...(database === null ? {} : { database }),
        ...(isEmpty(settings) ? {} : { settings: given }),
        ...(taken === null ? {} : { params: taken }),
      },
      ...(credential === null ? {} : { credential }),
      ...truncation(unknowns),
    }),
  }
}

/** A statement of which nothing is known but, where it could be read, its text. */
export function unseen(text: string, because: Unknown['because']): AnalysedStatement {
  return unseenStatement({ statement: text }, because === 'unparsed' ? ['statement'] : [], because)
}

function unknown(path: string): Unknown {
  return { path, because: 'undecodable' }
}

function truncation(unknowns: readonly Unknown[]) {
  if (unknowns.some(({ because }) => because === 'truncated')) return { truncated: true }
  // a fact that is only sometimes unknown is so again when the text is taken apart again
  return unknowns.some(({ path }) => path === 'sql.verb') ? { unparseable: true } : {}
}

function shown(settings: Values): Values {
  return mapped(settings, (name, value) => (isSensitive(name) ? masked : value))
}

function hidden(params: Values): Values {
  return mapped(params, () => masked)
}

function mapped(values: Values, map: (name: string, value: string) => string): Values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(name, value)]))
}

function isEmpty(values: Values): boolean {
  return Object.keys(values).length === 0
}
