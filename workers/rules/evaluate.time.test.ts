import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import { adversaries, bestMs, bodies, jsons, list, longestCondition, mostMs } from './adversaries.fixture.ts'
import { checkCondition } from './check.ts'
import { dialectOf } from './dialect.ts'
import { compileCondition, evaluate } from './evaluate.ts'
import { viewFacts } from './facts.ts'
import { aRequest } from './request.fixture.ts'

describe('evaluate()', () => {
  const named = adversaries.map((condition) => [condition.slice(0, 60), condition] as const)

  it.each(named)(`takes at most ${mostMs} ms on any request: %s`, (_, condition) => {
    expect(condition.length).toBeLessThanOrEqual(longestCondition + 100)
    expect(checkCondition(condition, [http])).toEqual([])
    // two bodies each; `npm run bench` tries all
    const first = adversaries.indexOf(condition)
    const taken = [first, first + 3].flatMap((index) => {
      const [name, body] = Object.entries(bodies)[index % 6] ?? ['', '']
      const [json, value] = Object.entries(jsons)[index % 4] ?? ['', null]
      const ms = bestMs(condition, body, value)
      return ms > mostMs ? [`${name} ${json} ${ms.toFixed(1)} ms`] : []
    })
    expect(taken).toEqual([])
  })

  it(`takes at most ${mostMs} ms on what chance puts together`, () => {
    const text = fc.constantFrom('http.body', 'http.path', "'ab'", 'http.body.substring(9)', "(http.path + 'a')")
    const part = fc.oneof(
      fc.tuple(text, fc.constantFrom('contains', 'matches', 'startsWith'), text).map(([a, f, b]) => `${a}.${f}(${b})`),
      fc.tuple(text, fc.constantFrom('<', '==', '!='), text).map(([a, op, b]) => `${a} ${op} ${b}`),
      fc
        .tuple(text, fc.constantFrom('trim', 'reverse', 'size', 'lowerAscii'), text)
        .map(([a, f, b]) => `${b} == string(${a}.${f}())`),
      text.map((a) => `http.query.tag.exists(t, t + ${a} == 'x')`),
      text.map((a) => `http.query.tag.all(t, ${a}.contains(t) || http.query.tag.exists(u, u == t))`),
    )
    const condition = fc.tuple(fc.array(part, { minLength: 1, maxLength: 40 }), fc.constantFrom(' || ', ' && '))
    const body = fc.constantFrom(...Object.values(bodies))
    fc.assert(
      fc.property(condition, body, ([parts, by], each) => {
        const source = parts.map((one) => `(${one})`).join(by)
        fc.pre(source.length <= longestCondition && checkCondition(source, [http]).length === 0)
        expect(bestMs(source, each, list)).toBeLessThanOrEqual(mostMs)
      }),
      { numRuns: 15 },
    )
  })
})

describe('a condition on an honest request', () => {
  it.each([
    ["http.body.contains('password')", 500_000],
    ["http.body.contains('DROP') || http.body.contains('TRUNCATE') || http.body.contains('GRANT ')", 200_000],
    ["http.body.matches('(?i)drop\\\\s+table')", 200_000],
    ["http.body_json.text.matches('(?i)drop\\\\s+table')", 200_000],
    ["http.body.matches('[0-9]{3}-[0-9]{2}-[0-9]{4}')", 200_000],
    ["http.body.size() < 100 || http.body.lowerAscii().contains('x-secret')", 50_000],
  ])('has time enough: %s on %i characters', (condition, length) => {
    const body = bodies.words.slice(0, length)
    const facts = viewFacts(dialectOf([http]), aRequest({ facts: { body, body_json: { text: body } } }))
    expect(evaluate(compileCondition(condition, dialectOf([http])), facts)).toBe(false)
  })
})
