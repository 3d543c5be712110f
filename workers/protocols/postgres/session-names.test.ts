import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalysedStatement, AnalyseSql } from '../../contract/sql.ts'
import { StatementCache } from '../../wire/sql/statement-cache.ts'
import { Lexing } from './lexing.ts'
import { SessionNames } from './session-names.ts'
import { loadAnalyser } from './statement.ts'
import { StatementReader } from './statement-reader.ts'

let analyse: AnalyseSql

beforeAll(async () => {
  analyse = await loadAnalyser()
})

function newNames() {
  const usual = new Map([
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
  ])
  const reader = new StatementReader(new StatementCache(analyse, 1 << 20), new Lexing(usual))
  return { reader, names: new SessionNames(reader) }
}

/** The statement in this text. */
function only(text: string): AnalysedStatement {
  const [statement] = analyse(text)
  if (statement === undefined) throw new Error('no statement')
  return statement
}

/** Text of what a portal is thought to run; null: unknown. */
function runs(names: SessionNames, portal: string): string | null {
  const statement = names.portal(portal)?.statement ?? null
  return statement === null || statement.unknowns.some(({ path }) => path === 'sql.verb')
    ? null
    : statement.facts.statement
}

describe('SessionNames', () => {
  it('knows what a portal runs', () => {
    const { names } = newNames()
    names.parsed('s', only('select 1'))
    names.bound('p', 's')
    names.parsed('', only('select 2'))
    names.bound('', '')
    expect([runs(names, 'p'), runs(names, ''), runs(names, 'q')]).toEqual(['select 1', 'select 2', null])
    names.closed('portal', 'p')
    expect(runs(names, 'p')).toBe(null)
  })

  it('keeps what a portal was bound to when the statement is another', () => {
    const { names } = newNames()
    names.parsed('s', only('select 1'))
    names.bound('p', 's')
    names.closed('statement', 's')
    names.parsed('s', only('select 2'))
    names.bound('q', 's')
    expect([runs(names, 'p'), runs(names, 'q')]).toEqual(['select 1', 'select 2'])
  })

  it('takes back what the server did not do, the last first', () => {
    const { names } = newNames()
    names.parsed('s', only('select 1')).done?.()
    const undo = [names.closed('statement', 's'), names.parsed('s', only('select 2')).undo]
    for (const each of undo.reverse()) each?.()
    names.bound('p', 's')
    expect(runs(names, 'p')).toBe('select 1')
  })

  it('is unsure of a name of an earlier stretch until the server confirms it', () => {
    const { names } = newNames()
    const { done } = names.parsed('s', only('select 1'))
    expect(names.isUnsure('statement', 's')).toBe(false)
    names.endStretch()
    expect(names.isUnsure('statement', 's')).toBe(true)
    done?.()
    expect(names.isUnsure('statement', 's')).toBe(false)
  })

  it('forgets portals when their transaction ends, and not those bound since', () => {
    const { names } = newNames()
    names.parsed('', only('select 1'))
    names.bound('p', '')
    names.endStretch()
    names.bound('q', '')
    names.transactionEnded(1)
    expect([runs(names, 'p'), runs(names, 'q')]).toEqual([null, 'select 1'])
  })

  it('knows what PREPARE made, for Bind and for EXECUTE', () => {
    const { names, reader } = newNames()
    names.ran(only('PREPARE Plan AS DELETE FROM t WHERE a = $1'))
    names.bound('p', 'plan')
    expect(names.portal('p')?.statement.facts.verbs).toEqual(['delete', 'execute'])
    const execute = only('execute plan (1)')
    expect(names.executed(execute)).toBe('plan')
    const run = reader.executed(names.source('plan') ?? '', execute)
    expect([run.facts.verbs, run.facts.tables, run.unknowns]).toEqual([['delete', 'execute'], ['t'], []])
    expect(run.facts.statement).toBe('execute plan (1)')
  })

  it('takes no other space for the end of a name than the server does', () => {
    const { names } = newNames()
    names.ran(only('prepare plan\u00a0 (int) as delete from t where a = $1'))
    names.ran(only('prepare plan as select 1'))
    expect(names.executed(only('execute plan\u00a0(7)'))).toBeNull()
    expect(names.executed(only('execute\tplan'))).toBe('plan')
    expect(names.source('plan')).toBe('prepare plan as select 1')
  })

  it('sees functions called in the arguments of EXECUTE', () => {
    const { names, reader } = newNames()
    names.parsed('plan', only('select $1::int'))
    const run = reader.executed(names.source('plan') ?? '', only('execute plan (pg_backend_pid())'))
    expect(run.facts.functions).toEqual(['pg_backend_pid'])
  })

  it.each([
    'do $$ begin execute $x$ prepare s as select 2 $x$; end $$',
    'prepare /* what */ s as select 2',
    `prepare "${'n'.repeat(64)}" as select 2`,
    'discard all',
  ])('relies on no name any more after: %s', (text) => {
    const { names } = newNames()
    names.parsed('s', only('select 1'))
    names.ran(only(text))
    names.bound('p', 's')
    expect(runs(names, 'p')).toBe(null)
  })

  it.each(['declare c cursor for select 2', 'close p'])('relies on no portal any more after: %s', (text) => {
    const { names } = newNames()
    names.parsed('s', only('select 1'))
    names.bound('p', 's')
    names.ran(only(text))
    expect(runs(names, 'p')).toBe(null)
    names.bound('p', 's')
    expect(runs(names, 'p')).toBe('select 1')
  })

  it('remembers texts of 8 Mi characters and no more', () => {
    const { names } = newNames()
    const long = (number: number) => only(`select ${number}, '${'x'.repeat(200_000)}'`)
    for (let number = 0; number < 60; number += 1) {
      names.parsed(`s${number}`, long(number))
      names.bound(`p${number}`, `s${number}`)
    }
    expect(runs(names, 'p0')).not.toBe(null)
    expect(runs(names, 'p59')).toBe(null)
  })
})
