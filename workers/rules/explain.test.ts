import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import { sql } from '../contract/families/sql.ts'
import type { ApproverName } from '../contract/ids.ts'
import type { Rule } from '../contract/profile.ts'
import { compileRules } from './compile.ts'
import { explain } from './explain.ts'
import { judge } from './judge.ts'
import { aRequest, aRule, truncated } from './request.fixture.ts'

const asks = (name: string, when: string | null): Rule => ({
  ...aRule(name, when),
  outcome: { do: 'ask', approvers: ['dashboard' as ApproverName], reason: 'look at it' },
})
const shadow = (rule: Rule): Rule => ({ ...rule, mode: 'shadow' })
const setOf = (...rules: readonly Rule[]) => compileRules(rules, [http], 'allow')

describe('explain()', () => {
  it('tells the part that made a rule not match, and the facts it read', () => {
    const set = setOf(
      aRule('writes', "http.host == 'api.example.com' && !(http.method in ['GET', 'HEAD'])", { reason: 'no' }),
    )
    expect(explain(set, aRequest()).rules).toEqual([
      {
        rule: 'writes',
        priority: 0,
        mode: 'enforce',
        outcome: 'deny',
        result: 'no match',
        decides: false,
        because: "!(http.method in ['GET', 'HEAD']) is false: http.method is \"get\"",
      },
    ])
  })

  it('walks on past shadow rules and stops at the rule that decides', () => {
    const set = setOf(
      shadow(aRule('dark', null, { reason: 'no' })),
      asks('look', "http.path == '/'"),
      aRule('rest', null, { reason: 'no' }),
    )
    const { rules, verdict } = explain(set, aRequest())
    expect(rules.map(({ result, decides }) => [result, decides])).toEqual([
      ['matched', false],
      ['matched', true],
      ['not reached', false],
    ])
    expect(rules[2]?.because).toBe('rule "look" decided before it')
    expect(verdict).toEqual(judge(set, aRequest()).verdict)
  })

  it('tells why a rule cannot be evaluated', () => {
    const set = setOf(aRule('words', "http.method == 'get' && http.body.contains('x')", { reason: 'no' }))
    expect(explain(set, truncated()).rules[0]).toMatchObject({
      result: 'unevaluable',
      decides: true,
      because: "http.body.contains('x') cannot be evaluated (truncated at the inspection buffer): http.body is unknown",
    })
  })

  it('reads profile, device, endpoint, time and counters', () => {
    const when = "profile == 'p' && rate('few', '1h') < 3"
    const set = setOf(aRule('few', when), aRule('hours', 'now.getHours() == 30'))
    const context = { profile: 'p', device: 'laptop', endpoint: 'api', nowMs: 0 }
    const counts = new Map([['device 3600000 few', 3]])
    expect(explain(set, { ...aRequest(), context, counts }).rules.map(({ because }) => because)).toEqual([
      "rate('few', '1h') < 3 is false: rate(\"few\") is 3",
      'now.getHours() == 30 is false: now is 1970-01-01T00:00:00.000Z',
    ])
    expect(explain(set, { ...aRequest(), context }).rules[0]).toMatchObject({ result: 'unevaluable' })
  })

  it('never tells the value of a header or a parameter', () => {
    const set = setOf(
      aRule('token', "http.headers['X-Token'][0] == 'a' || http.query['t'][0] == 'a'", { reason: 'no' }),
    )
    const facts = { headers: { 'X-Token': ['hunter2'] }, query: { t: ['hunter3'] } }
    const told = JSON.stringify(explain(set, aRequest({ facts })))
    expect(told).toContain('http.headers has the keys')
    expect(told).not.toContain('hunter')
  })

  it('names the credential a rule is for', () => {
    const set = setOf(aRule('live', null, { reason: 'no', credential: 'live' }))
    expect(explain(set, aRequest({ credential: 'test' })).rules[0]?.because).toBe(
      'it is for the credential "live"; the action uses "test"',
    )
  })
})

describe('explain() on what would change the verdict', () => {
  const changes = (rules: readonly Rule[], action = aRequest()) => explain(setOf(...rules), action).changes

  it('names what decides next, and the first rule of each other outcome with what it lacks', () => {
    expect(
      changes([
        aRule('reads', "http.method == 'HEAD' && http.path == '/'"),
        aRule('root', "http.path == '/'", { reason: 'no' }),
        asks('rest', null),
      ]),
    ).toEqual([
      'without rule "root", rule "rest" (ask, priority 0) would decide',
      'would be allowed by rule "reads" if http.method == \'HEAD\' were true (http.method is "get")',
      'would be put to approvers by rule "rest" if rule "root" did not match',
    ])
  })

  it('names what happens when nothing matches any more', () => {
    expect(changes([aRule('root', "http.path == '/'", { reason: 'no' })])).toEqual([
      'without rule "root" no rule matches: the action would be allowed',
      'would be allowed, since nothing else matches, if rule "root" did not match',
    ])
  })

  it('names the credential that would be needed', () => {
    expect(changes([aRule('live', null, { reason: 'no', credential: 'live' })])).toEqual([
      'would be denied by rule "live" if the credential were "live" (it is none)',
    ])
  })

  it('does not say that what is unknown would be allowed where the family denies it', () => {
    const set = compileRules([aRule('d', "sql.database == 'x'", { reason: 'no' })], [sql], 'allow')
    const action = {
      ...aRequest(),
      facts: { sql: { database: 'x' } },
      unknowns: [{ path: 'sql.verb', because: 'unparsed' as const }],
    }
    expect(explain(set, action).changes).toEqual(['without rule "d" no rule matches: the action would be denied'])
  })

  const parts = [
    "http.method == 'get'",
    "http.path == '/b'",
    "http.body.contains('x')",
    "http.host == 'h'",
    'http.body_json.n > 1',
  ]
  const rule = fc
    .tuple(fc.subarray(parts), fc.constantFrom('allow', 'deny', 'ask'), fc.boolean())
    .map(([conjuncts, outcome, isShadow]) => ({
      when: conjuncts.length === 0 ? null : conjuncts.join(' && '),
      outcome,
      isShadow,
    }))

  it('is right: the verdict of the walk is that of the judge, and a rule left out leads to the next', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), fc.boolean(), (specs, isLong) => {
        const rules = specs.map(({ when, outcome, isShadow }, at): Rule => {
          const base =
            outcome === 'ask' ? asks(`r${at}`, when) : aRule(`r${at}`, when, outcome === 'deny' ? { reason: 'no' } : {})
          return isShadow ? shadow(base) : base
        })
        const action = isLong ? truncated() : aRequest({ facts: { body: 'x', body_json: { n: 2 } } })
        const walk = explain(setOf(...rules), action)
        const { verdict } = judge(setOf(...rules), action)
        expect(walk.verdict).toEqual(verdict)
        const decider = walk.rules.find(({ decides }) => decides)
        expect(decider?.rule ?? null).toBe('rule' in verdict.decider ? verdict.decider.rule : null)
        if (decider === undefined) return
        const rest = judge(setOf(...rules.filter(({ name }) => name !== decider.rule)), action).verdict
        const next = 'rule' in rest.decider ? `rule "${rest.decider.rule}" (` : 'no rule matches'
        expect(walk.changes[0]).toContain(next)
      }),
      { numRuns: 200 },
    )
  })
})
