import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnalyseSql } from '../../workers/contract/sql.ts'
import { loadAnalyser } from '../../workers/protocols/postgres/statement.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres-server.ts'
import { honest, partlyKnown, schema } from './postgres-honest.ts'
import { aroundAny, aroundQueries, sneaky } from './postgres-sneaky.ts'
import { type Witnessed, witness } from './postgres-witness.ts'

const programs = postgresPrograms('what SQL statements do, against a PostgreSQL server')

/** What a whole text was said to do; null where something of it is unknown. */
interface Said {
  readonly tables: readonly string[] | null
  readonly targets: readonly string[] | null
  readonly verbs: readonly string[] | null
  readonly isWrite: boolean | null
}

/** Sequences behind columns of the corpus move by themselves; row locks and `now()`-like identifiers are no writes. */
const ownSequence = /_id_seq$/
const locksRows = /\bfor (update|share|no key update|key share)\b/i

describe.skipIf(programs === null)('what is said of SQL, against what a PostgreSQL server does', () => {
  let server: PostgresServer
  let client: Client
  let analyse: AnalyseSql

  beforeAll(async () => {
    server = startPostgres(programs ?? '')
    client = new Client({ host: server.socket, user: 'postgres', database: 'postgres' })
    await client.connect()
    await client.query(schema)
    analyse = await loadAnalyser()
  })

  afterAll(async () => {
    await client.end()
    server[Symbol.dispose]()
  })

  it('says everything of honest statements, and nothing of it is wrong', async () => {
    expect(honest.length).toBeGreaterThanOrEqual(150)
    const wrong: string[] = []
    for (const text of honest) {
      const unknown = analyse(text).flatMap(({ unknowns }) => unknowns.map(({ path }) => path))
      if (unknown.length > 0 && partlyKnown[text] === undefined) wrong.push(`${text}: ${unknown.join(' ')} unknown`)
      const seen = await witness(client, text)
      if (seen.refused !== null) wrong.push(`${text}: ${seen.refused}`)
      wrong.push(...contradictions(text, say(analyse, text), seen))
    }
    expect(wrong).toEqual([])
  })

  it.each(Object.entries(partlyKnown))('leaves of %s only what it must unknown', (text, facts) => {
    const unknown = analyse(text).flatMap(({ unknowns }) => unknowns.map(({ path }) => path.slice('sql.'.length)))
    expect([...new Set(unknown)].sort()).toEqual([...facts].sort())
  })

  it('hides nothing of what sneaky statements do', async () => {
    expect(sneaky.length).toBeGreaterThanOrEqual(150)
    const wrong: string[] = []
    let ran = 0
    for (const text of sneaky) {
      const seen = await witness(client, text)
      if (seen.refused === null) ran++
      wrong.push(...contradictions(text, say(analyse, text), seen))
      // refused here for want of something, it may run elsewhere
      if (seen.refused !== null && /syntax error/.test(seen.refused)) wrong.push(`${text}: ${seen.refused}`)
    }
    expect(wrong).toEqual([])
    expect(ran).toBeGreaterThanOrEqual(150)
  })

  it('calls no change narrow whose condition is all constants and true', async () => {
    const kept: string[] = []
    let wide = 0
    await fc.assert(
      fc.asyncProperty(conditions, async (condition) => {
        const text = `delete from order_items where ${condition}`
        await client.query('begin')
        const { rowCount } = await client.query(text).finally(() => client.query('rollback'))
        if (rowCount === 0) return
        wide++
        if (analyse(text)[0]?.facts.is_unqualified !== true) kept.push(text)
      }),
      { numRuns: 200 },
    )
    expect(kept).toEqual([])
    expect(wide).toBeGreaterThan(30)
  })

  it('hides no effect of statements nobody wrote', async () => {
    const mutated = mutations
      // nothing that outlives its transaction, waits, or leaves the database
      .filter((text) => !/commit|end;|end$|pg_sleep|pg_terminate|program|'\/|lo_export|reload/i.test(text))
    let ran = 0
    await fc.assert(
      fc.asyncProperty(mutated, async (text) => {
        const seen = await witness(client, text)
        if (seen.refused === null) ran++
        expect(contradictions(text, say(analyse, text), seen)).toEqual([])
      }),
      { numRuns: 500 },
    )
    expect(ran).toBeGreaterThan(200)
  })
})

/** Conditions that say nothing of a row; `qty` is never null. */
const conditions = fc.letrec<{ all: string; one: string; both: string; either: string; not: string }>((tie) => ({
  all: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('one'), tie('both'), tie('either'), tie('not')),
  one: fc.constantFrom(
    ...['true', 'false', 'null', "'t'", "'off'", '1::bool', '0::bool', "'yes'::text::bool", 'null is null'],
    ...['1 = 1', '1 = 2', '1 <> 2', '1 = 1.0', "1 = '1'", "'a' = 'b'", "'a' <> 'a'", "'1.5'::numeric::int <> 1.5"],
    ...[
      '2 > 1',
      '1 in (1, 2)',
      '1 between 0 and 2',
      "'a' like '%'",
      'coalesce(true)',
      'random() < 2',
      'random() > 2',
      "' false '",
      'null::bool is not false',
      '1 between 5 and 6',
    ],
    ...[
      'exists (select 1)',
      'exists (select * from orders)',
      '(select count(*) from orders) >= 0',
      '1 = any (array[1])',
    ],
    ...[
      'qty = qty',
      'order_items.qty = qty',
      'qty <> qty',
      'qty >= qty',
      'qty is not distinct from qty',
      'qty in (qty)',
    ],
    ...[
      '(1 = 1) is true',
      'case when true then true end',
      "U&'\\0061' = 'a'",
      "E'\\x61' = 'a'",
      'current_user = current_user',
    ],
  ),
  both: fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left} and ${right})`),
  either: fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left} or ${right})`),
  not: tie('all').map((inner) => `not (${inner})`),
})).all

/** Statements of the corpus with parts of them exchanged for others that may stand there, wrapped, or strung together. */
const mutations = fc
  .record({
    text: fc.constantFrom(...honest, ...sneaky),
    changes: fc.array(fc.constantFrom(exchangeTable, exchangeNumber, comment, wrap, append), {
      minLength: 1,
      maxLength: 2,
    }),
    seed: fc.nat(10_000),
  })
  .map(({ text, changes, seed }) => changes.reduce((changed, change) => change(changed, seed), text))

function exchangeTable(text: string, seed: number): string {
  const names = ['secrets', 'orders', 'audit', 'customers', 'public.orders', 'only secrets', 'sales.events']
  return exchange(text, /\b(secrets|orders|audit|customers)\b/g, names, seed)
}

function exchangeNumber(text: string, seed: number): string {
  const numbers = ['(select max(id) from secrets)', "nextval('ticket_seq')", 'length(current_user)', '- 1', 'null']
  return exchange(text, /\b[0-9]\b/g, numbers, seed)
}

function comment(text: string, seed: number): string {
  return exchange(text, / /g, [' /* ; */ ', '\n', ' -- select\n', '\t'], seed)
}

function wrap(text: string, seed: number): string {
  const arounds = [...aroundAny, ...aroundQueries]
  return arounds[seed % arounds.length]?.(text) ?? text
}

function append(text: string, seed: number): string {
  const other = [...honest, ...sneaky][(seed * 7) % (honest.length + sneaky.length)]
  return `${text}; ${other}`
}

/** The text with one of the matches replaced. */
function exchange(text: string, pattern: RegExp, by: readonly string[], seed: number): string {
  const matches = [...text.matchAll(pattern)]
  const match = matches[seed % Math.max(1, matches.length)]
  if (match === undefined) return text
  return text.slice(0, match.index) + by[seed % by.length] + text.slice(match.index + match[0].length)
}

function say(analyse: AnalyseSql, text: string): Said {
  const statements = analyse(text)
  const isUnknown = (fact: string) =>
    statements.some(({ unknowns }) => unknowns.some(({ path }) => path === `sql.${fact}`))
  return {
    tables: isUnknown('tables') ? null : statements.flatMap(({ facts }) => facts.tables),
    targets: isUnknown('target_tables') ? null : statements.flatMap(({ facts }) => facts.target_tables),
    verbs: isUnknown('verbs') ? null : statements.flatMap(({ facts }) => facts.verbs),
    isWrite: statements.some(({ facts }) => facts.is_write) ? true : isUnknown('is_write') ? null : false,
  }
}

/** Where the facts of a text deny what the server did. */
function contradictions(text: string, said: Said, seen: Witnessed): string[] {
  if (seen.refused !== null) return []
  const wrong: string[] = []
  const words = text.replaceAll(/\/\*.*?\*\/|--.*$/gm, ' ').replaceAll(/\s+/g, ' ')
  const isVisible = (name: string, names: readonly string[] | null) =>
    names === null || names.includes(name) || ownSequence.test(name)
  if (said.isWrite === false && seen.changed && !locksRows.test(words)) wrong.push(`${text}: changes something`)
  for (const name of seen.written) {
    if (!isVisible(name, said.targets) && !bySchema.test(words)) wrong.push(`${text}: writes ${name}`)
  }
  for (const name of seen.touched) {
    if (!isVisible(name, said.tables) && !bySchema.test(words)) wrong.push(`${text}: touches ${name}`)
  }
  const changesRole = (said.verbs ?? []).some((verb) => /role|authorization/.test(verb))
  if (seen.isSomebodyElse && said.verbs !== null && !changesRole) wrong.push(`${text}: acts as somebody else`)
  return wrong
}

/** Texts that make the schema itself act, or call what was there before: what that does is in no text. */
const bySchema = /create (rule|trigger|operator)|default h\(\)|refresh materialized/i
