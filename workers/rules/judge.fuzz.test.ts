import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import type { Rule } from '../contract/profile.ts'
import type { Verdict } from '../contract/verdict.ts'
import { compileRules } from './compile.ts'
import { type Judgeable, judge } from './judge.ts'
import { aRequest, aRule } from './request.fixture.ts'

const text = fc.constantFrom('a', 'b', '/a', '/a/b', 'get', 'GET', 'x', '')
const quoted = text.map((each) => `'${each}'`)

/** Conditions over every fact; some fail on some requests, as written ones do. */
const atom = fc.oneof(
  fc.tuple(fc.constantFrom('==', '!='), quoted).map(([test, value]) => `http.method ${test} ${value}`),
  fc.array(quoted, { minLength: 1, maxLength: 3 }).map((list) => `http.method in [${list.join(', ')}]`),
  fc
    .tuple(fc.constantFrom('startsWith', 'endsWith', 'contains'), quoted)
    .map(([test, value]) => `http.path.${test}(${value})`),
  quoted.map((value) => `http.path == ${value}`),
  quoted.map((value) => `http.body.contains(${value})`),
  fc.constantFrom("http.body.matches('^a+b?$')", "http.path.matches('^/a(/|$)')"),
  fc.constantFrom("http.headers['X-A'][0] == 'a'", "'q' in http.query", "http.query['q'].exists(v, v == 'a')"),
  fc.constantFrom('http.body_json.amount > 5', 'has(http.body_json.amount)', 'size(http.body) > 2', 'true'),
)
const condition: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    atom,
    tie('any').map((inner) => `!(${inner})`),
    fc.tuple(tie('any'), fc.constantFrom('&&', '||'), tie('any')).map(([a, op, b]) => `(${a}) ${op} (${b})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
})).any

const rules: fc.Arbitrary<readonly Rule[]> = fc
  .array(fc.tuple(condition, fc.boolean(), fc.constantFrom(null, 'k1', 'k2')), { minLength: 1, maxLength: 6 })
  .map((list) =>
    list.map(([when, isAllow, credential], index) =>
      aRule(`r${index}`, when, {
        ...(isAllow ? {} : { reason: 'no' }),
        ...(credential === null ? {} : { credential }),
      }),
    ),
  )

const values = {
  method: text,
  path: text,
  body: text,
  query: fc.constantFrom({}, { q: ['a'] }, { q: ['b', 'a'] }),
  headers: fc.constantFrom({}, { 'X-A': ['a'] }, { 'X-A': [] }),
  body_json: fc.constantFrom<unknown>({}, { amount: 3 }, { amount: 9 }, { amount: 'nine' }, [], null),
}
const facts = fc.record(values)
const credential = fc.constantFrom(null, 'k1', 'k2')
const factName = fc.constantFrom(...(Object.keys(values) as (keyof typeof values)[]))

function unknownTo(request: Judgeable, names: readonly string[]): Judgeable {
  const http: Record<string, unknown> = { ...(request.facts.http as object) }
  for (const name of names) delete http[name]
  const unknowns = names.map((name) => ({ path: `http.${name}`, because: 'truncated' }) as const)
  return { ...request, facts: { http }, unknowns }
}

/** What the rules say one by one, each a set of its own: no index can leave one out. */
function oneByOne(list: readonly Rule[], request: Judgeable): Verdict {
  for (const rule of list) {
    const { verdict } = judge(compileRules([rule], [http], 'allow'), request)
    if (verdict.decider.by !== 'default') return verdict
  }
  return { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
}

describe('judge() on any rules and any request', () => {
  it('decides without throwing, and as the rules tried one by one do', () => {
    fc.assert(
      fc.property(rules, facts, credential, fc.uniqueArray(factName, { maxLength: 3 }), (list, each, use, hidden) => {
        const request = unknownTo(aRequest({ facts: each, credential: use }), hidden)
        expect(judge(compileRules(list, [http], 'allow'), request).verdict).toEqual(oneByOne(list, request))
      }),
      { numRuns: 400 },
    )
  })

  it('never allows for an unknown fact what one of its values would deny', () => {
    fc.assert(
      fc.property(rules, facts, credential, factName, facts, (list, each, use, name, other) => {
        const set = compileRules(list, [http], 'allow')
        const request = aRequest({ facts: each, credential: use })
        const { verdict: blind } = judge(set, unknownTo(request, [name]))
        if (blind.kind === 'deny') return
        for (const value of [each[name], other[name]])
          expect(judge(set, aRequest({ facts: { ...each, [name]: value }, credential: use })).verdict.kind).toBe(
            'allow',
          )
      }),
      { numRuns: 600 },
    )
  })
})
