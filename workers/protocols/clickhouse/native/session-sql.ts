import type { AnalysedStatement } from '../../../contract/sql.ts'
import { parameterTexts } from '../../../wire/clickhouse/parameter-text.ts'
import { longestStatement, type Query } from '../../../wire/clickhouse/query.ts'
import type { StatementCache } from '../../../wire/sql/statement-cache.ts'
import { analyseBeside } from '../analyse-beside.ts'
import { nextToken } from '../lexer.ts'
import { unseen } from '../sql-facts.ts'

/** A query with what it was seen to do. */
export interface ReadQuery {
  readonly statements: readonly AnalysedStatement[]
  readonly settings: { readonly [name: string]: string }
  /** null: it cannot be told which values the server takes. */
  readonly params: { readonly [name: string]: string } | null
}

/** First words of statements that change nothing about how the session goes on. */
const steady =
  /^(SELECT|WITH|FROM|VALUES|INSERT|CREATE|ATTACH|DETACH|REPLACE|ALTER|DROP|TRUNCATE|UNDROP|RENAME|EXCHANGE|MOVE|OPTIMIZE|DELETE|UPDATE|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK|KILL|SYSTEM|GRANT|REVOKE|BACKUP|RESTORE|WATCH)$/

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a session's statements change for those that follow: its database, and whether they are still read as SQL of ours. */
export class SessionSql {
  readonly #cache: StatementCache
  #isDoubtful = false
  /** Empty: the one the server gives the user; null: it cannot be told. */
  database: string | null

  constructor(cache: StatementCache, database: string) {
    this.#cache = cache
    this.database = database
  }

  read({ text, textBytes, settings, parameters }: Query): ReadQuery {
    const given = Object.fromEntries(settings.map(({ name, value }) => [name, value]))
    const params = parameters === null ? null : parameterTexts(parameters)
    return {
      statements: this.#statements(text, textBytes, given),
      settings: given,
      params: params === null ? null : Object.fromEntries(params),
    }
  }

  /** Takes note of statements that go to the server. */
  sent(statements: readonly AnalysedStatement[]): void {
    const isSteady = statements.every(({ facts, unknowns }) => {
      if (!unknowns.some(({ path }) => path === 'sql.verb')) return true
      return steady.test(firstWord(facts.statement))
    })
    if (isSteady) return
    this.#isDoubtful = true
    this.database = null
  }

  /** Takes note of statements the server has run. */
  ran(statements: readonly AnalysedStatement[]): void {
    for (const { facts } of statements) if (facts.verb === 'use') this.database = databaseIn(facts.statement)
  }

  #statements(bytes: Buffer, length: number, settings: ReadQuery['settings']): readonly AnalysedStatement[] {
    if (length > longestStatement) return [unseen('', 'truncated')]
    let text: string
    try {
      text = strict.decode(bytes)
    } catch {
      return [unseen('', 'undecodable')]
    }
    if (this.#isDoubtful) return [unseen(text, 'unparsed')]
    return analyseBeside((sql) => this.#cache.analyse(sql), text, settings)
  }
}

function firstWord(text: string): string {
  try {
    let token = nextToken(text, 0, null)
    while (token.kind === 'symbol' && token.value === '(') token = nextToken(text, token.end, null)
    return token.kind === 'word' ? (token.value ?? '') : ''
  } catch {
    return ''
  }
}

/** The name in `USE [DATABASE] name`; null: it is not there. */
function databaseIn(text: string): string | null {
  const words = [nextToken(text, 0, null)]
  for (let last = words[0]; last !== undefined && last.kind !== 'end' && words.length < 4; ) {
    last = nextToken(text, last.end, null)
    words.push(last)
  }
  const names = words.slice(1).filter(({ kind }) => kind !== 'end')
  const name = names.length > 1 && names[0]?.value === 'DATABASE' ? names[1] : names[0]
  if (name?.kind === 'quoted') return name.value
  return name?.kind === 'word' ? text.slice(name.start, name.end) : null
}
