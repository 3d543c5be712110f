import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import { compileRules } from './compile.ts'
import { truthOf } from './condition.fixture.ts'
import { judge } from './judge.ts'
import { aRule, truncated } from './request.fixture.ts'

/** What a part of a condition is; `open`: unknown or an error. */
type Value = boolean | 'open'

interface Part {
  readonly text: string
  readonly value: Value
}

const atoms: readonly Part[] = [
  { text: "http.method == 'get'", value: true },
  { text: "http.method == 'put'", value: false },
  { text: "http.body == 'x'", value: 'open' },
  { text: "http.body != 'x'", value: 'open' },
  { text: 'has(http.body_json.a)', value: 'open' },
  { text: "['a'].exists(x, http.body.contains(x))", value: 'open' },
  { text: "['a'].map(x, http.body + x).size() == 1", value: 'open' },
  { text: "http.headers['Gone'][0] == 'a'", value: 'open' },
  { text: '1 / 0 == 1', value: 'open' },
  { text: "http.path.matches(http.method + '(')", value: 'open' },
]

const and = (a: Value, b: Value): Value =>
  a === false || b === false ? false : a === true && b === true ? true : 'open'
const not = (a: Value): Value => (a === 'open' ? a : !a)

/** Spec 2.5: what decides without the open part decides. */
const condition: fc.Arbitrary<Part> = fc.letrec<{ any: Part }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(...atoms),
    tie('any').map(({ text, value }) => ({ text: `!(${text})`, value: not(value) })),
    fc
      .tuple(tie('any'), tie('any'))
      .map(([a, b]) => ({ text: `(${a.text}) && (${b.text})`, value: and(a.value, b.value) })),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => ({
      text: `(${a.text}) || (${b.text})`,
      value: not(and(not(a.value), not(b.value))),
    })),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => ({
      text: `(${a.text}) ? (${b.text}) : (${c.text})`,
      value: a.value === 'open' ? a.value : a.value ? b.value : c.value,
    })),
  ),
})).any

describe('what is unknown or an error', () => {
  it('spreads and is absorbed exactly as in three-valued logic', () => {
    fc.assert(
      fc.property(condition, ({ text, value }) => {
        const truth = truthOf(text, truncated())
        expect(typeof truth === 'boolean' ? truth : 'open').toBe(value)
      }),
      { numRuns: 500 },
    )
  })

  it('gives the same verdict however often the rules are compiled', () => {
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 5 }), (parts) => {
        const rules = parts.map(({ text }, index) => aRule(`r${index}`, text, index % 2 === 0 ? {} : { reason: 'no' }))
        const once = judge(compileRules(rules, [http], 'allow'), truncated())
        expect(judge(compileRules(structuredClone(rules), [http], 'allow'), truncated())).toEqual(once)
        const first = parts.findIndex(({ value }) => value !== false)
        const decider = 'rule' in once.verdict.decider ? once.verdict.decider.rule : null
        expect(decider).toBe(first < 0 ? null : `r${first}`)
      }),
      { numRuns: 200 },
    )
  })

  it('and any text at all never make judge() throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.anything(), (text, facts) => {
        const rules = [
          aRule('r', `http.path == ${JSON.stringify(text)} || dyn(http.body_json).a == 1`, { reason: 'no' }),
        ]
        const action = { ...truncated(), facts: facts as never, unknowns: [] }
        expect(judge(compileRules(rules, [http], 'deny'), action).verdict.kind).toBe('deny')
      }),
      { numRuns: 200 },
    )
  })
})
