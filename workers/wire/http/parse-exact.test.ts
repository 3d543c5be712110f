import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../../contract/families/http.ts'
import { dialectOf } from '../../rules/dialect.ts'
import { compileCondition, evaluate } from '../../rules/evaluate.ts'
import { viewFacts } from '../../rules/facts.ts'
import { aRequest } from '../../rules/request.fixture.ts'
import { parseExact } from './parse-exact.ts'

/** A value with its large whole numbers as JSON.parse gives them. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, rounded(each)]))
}

describe('parseExact()', () => {
  it.each([
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['{"id": 9223372036854775807, "n": 5}', { id: 9223372036854775807n, n: 5 }],
    ['[9007199254740991, 9007199254740992]', [9007199254740991, 9007199254740992n]],
    ['{"9007199254740993": "9007199254740993"}', { '9007199254740993': '9007199254740993' }],
    ['"a\\\\" ', 'a\\'],
    ['["\\"9007199254740993", 1e400, 1.00000000000000001]', ['"9007199254740993', Number.POSITIVE_INFINITY, 1]],
    ['18446744073709551615', 18446744073709552000],
  ])('reads %s', (text, value) => {
    expect(parseExact(text)).toEqual(value)
  })

  it('reads what JSON.parse reads, and refuses what it refuses', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(rounded(parseExact(text))).toEqual(JSON.parse(text))
      }),
    )
    for (const text of ['', '{', '9007199254740993x', '[9007199254740993'])
      expect(() => parseExact(text)).toThrow(SyntaxError)
  })

  it.each([
    ['http.body_json.id == 9007199254740993', true],
    ['http.body_json.id == 9007199254740992', false],
    ['http.body_json.id in [1, 9007199254740993]', true],
    ['http.body_json.id > 9007199254740992', true],
    ['http.body_json.id < 10', false],
  ])('lets a rule tell neighbours apart: %s', (condition, truth) => {
    const facts = { body_json: parseExact('{"id": 9007199254740993}') }
    const dialect = dialectOf([http])
    expect(evaluate(compileCondition(condition, dialect), viewFacts(dialect, aRequest({ facts })))).toBe(truth)
  })
})
