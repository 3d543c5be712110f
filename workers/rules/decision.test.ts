import { describe, expect, it } from 'vitest'
import type { Unknown } from '../contract/action.ts'
import { http } from '../contract/families/http.ts'
import { k8s } from '../contract/families/k8s.ts'
import { sql } from '../contract/families/sql.ts'
import { ssh } from '../contract/families/ssh.ts'
import type { Family } from '../contract/plugin.ts'
import type { Rule } from '../contract/profile.ts'
import { type Judgement, mostShadowHits } from '../contract/verdict.ts'
import { checkCondition } from './check.ts'
import { compileRules } from './compile.ts'
import { dialectOf } from './dialect.ts'
import { type Judgeable, judge } from './judge.ts'
import { aContext, aRequest, aRule, truncated } from './request.fixture.ts'

function judged(
  rules: readonly Rule[],
  request: Judgeable = aRequest(),
  unmatched: 'allow' | 'deny' = 'allow',
): Judgement {
  return judge(compileRules(rules, [http], unmatched), request)
}

const shadow = { mode: 'shadow' } as const

describe('a shadow rule', () => {
  it('is noted and never decides, and the walk goes on', () => {
    const rules = [
      aRule('s1', 'true', { ...shadow, reason: 'no' }),
      aRule('s2', 'false', shadow),
      aRule('s3', "http.headers['Gone'][0] == 'x'", shadow),
      aRule('s4', 'true', shadow),
      aRule('real', 'true'),
      aRule('s5', 'true', { ...shadow, reason: 'no' }),
    ]
    expect(judged(rules)).toEqual({
      verdict: { kind: 'allow', decider: { by: 'rule', rule: 'real' } },
      shadows: [
        { rule: 's1', would: 'deny' },
        { rule: 's3', would: 'failsafe' },
        { rule: 's4', would: 'allow' },
      ],
      rated: [],
      enforced: new Set(),
    })
  })

  it('does not stand for an enforced one where nothing matches', () => {
    const { verdict } = judged([aRule('s', 'true', shadow)], aRequest(), 'deny')
    expect(verdict).toMatchObject({ kind: 'deny', decider: { setting: 'unmatched' }, reason: 'no rule allows this' })
  })

  it('is told of an ask, and at most so often', () => {
    const ask = {
      ...aRule('ask', null, shadow),
      outcome: { do: 'ask', approvers: ['ops'], reason: 'why' },
    } as unknown as Rule
    expect(judged([ask]).shadows).toEqual([{ rule: 'ask', would: 'ask' }])
    const many = Array.from({ length: 20 }, (_, index) => aRule(`s${index}`, null, shadow))
    expect(judged(many).shadows).toHaveLength(mostShadowHits)
  })
})

describe('rate()', () => {
  const few = aRule('few', "http.method == 'POST' && rate('posts', '10m') < 3")
  const rest = aRule('rest', "http.method == 'POST'", { reason: 'too many' })
  const post = (counts?: { readonly [key: string]: number }) =>
    aRequest({ facts: { method: 'post' }, ...(counts === undefined ? {} : { counts }) })

  it.each([
    [0, 'allow'],
    [2, 'allow'],
    [3, 'deny'],
  ])('is what was counted: %i', (count, kind) => {
    const judgement = judged([few, rest], post({ 'device 600000 posts': count }))
    expect([judgement.verdict.kind, judgement.rated]).toEqual([
      kind,
      [{ name: 'posts', windowMs: 600_000, per: 'device' }],
    ])
  })

  it('that nobody read makes the rule unevaluable and names its counter', () => {
    const { verdict, rated } = judged([few, rest], post())
    expect(verdict).toMatchObject({ kind: 'deny', decider: { by: 'failsafe', rule: 'few' } })
    expect(rated).toEqual([{ name: 'posts', windowMs: 600_000, per: 'device' }])
    expect(judged([few, rest], post({ 'device 600000 posts': -1 })).verdict.kind).toBe('deny')
  })

  it('that is not reached is not named', () => {
    expect(judged([few, rest]).rated).toEqual([])
    expect(judged([few, rest], post({ 'device 600000 posts': 1, 'device 1000 x': 5 })).rated).toHaveLength(1)
  })

  it('is read in the order of the condition, whatever the index knows', () => {
    const first = aRule('r', "rate('n', '1s') < 3 && http.method == 'PUT'")
    const others = Array.from({ length: 50 }, (_, index) => aRule(`o${index}`, `http.method == 'M${index}'`))
    expect(judged([first, ...others]).rated).toHaveLength(1)
    expect(judged([aRule('r', "http.method == 'PUT' && rate('n', '1s') < 3"), ...others]).rated).toEqual([])
  })

  it('names every counter of an endpoint once', () => {
    const conditions = [
      "rate('a', '1m') < 1",
      "rate('a', '60s', 'device') > 1",
      "rate('a', '1m', 'profile') == 0",
      "rate('a', '1.5h') > 0",
    ]
    const set = compileRules(
      conditions.map((when, index) => aRule(`r${index}`, when)),
      [http],
      'allow',
    )
    expect(set.rates.map(({ windowMs, per }) => `${per} ${windowMs}`)).toEqual([
      'device 60000',
      'profile 60000',
      'device 5400000',
    ])
    expect(compileRules([aRule('r', null)], [http], 'allow').rates).toEqual([])
  })

  it.each([
    [
      "rate('n', http.path) < 3",
      'the arguments of rate() must be texts in quotes: counters are known before any action',
    ],
    ["rate('n', '10 minutes') < 3", "the window '10 minutes' is not a duration: write it like '10m' or '1h30m'"],
    ["rate('n', '500ms') < 3", "the window '500ms' is not between 1s and 720h (30 days)"],
    ["rate('n', '721h') < 3", "the window '721h' is not between 1s and 720h (30 days)"],
    ["rate('', '1m') < 3", 'the name of a counter has 1 to 128 characters'],
    ["rate('n', '1m', 'user') < 3", "rate() counts per 'device' or per 'profile', not 'user'"],
    ["rate('n') < 3", 'write rate(NAME, WINDOW) or rate(NAME, WINDOW, PER)'],
    ["rate('n', '1m')", 'the condition is an int, not a bool'],
  ])('%s is refused', (condition, message) => {
    expect(checkCondition(condition, [http])[0]?.message).toBe(message)
  })
})

describe('an action no rule matches', () => {
  const unparsed: readonly Unknown[] = [{ path: 'sql.tables', because: 'unparsed' }]
  const cases: readonly [string, readonly Rule[], readonly Unknown[], string][] = [
    ['is allowed', [aRule('r', "sql.database == 'x'", { reason: 'no' })], [], 'allow'],
    [
      'is denied where SQL is not wholly known',
      [aRule('r', "sql.database == 'x'", { reason: 'no' })],
      unparsed,
      'unparseable',
    ],
    [
      'is denied where SQL was cut off',
      [aRule('r', 'false')],
      [{ path: 'sql.statement', because: 'truncated' }],
      'truncated at the inspection buffer',
    ],
    [
      'is denied for a path that names nothing',
      [aRule('r', 'false')],
      [{ path: 'sqll', because: 'streaming' }],
      'unparseable',
    ],
    ['is allowed without any rule', [], unparsed, 'allow'],
    ['is allowed with shadow rules alone', [aRule('r', 'false', shadow)], unparsed, 'allow'],
  ]
  it.each(cases)('%s', (_, rules, unknowns, expected) => {
    const facts = { sql: { verb: 'select', database: 'p', statement: '' } }
    const { verdict } = judge(compileRules(rules, [sql], 'allow'), {
      facts,
      unknowns,
      credential: null,
      context: aContext(),
    })
    const reason = `request bytes were ${expected} and no rule explicitly allowed the request; failing closed`
    const failsafe = { kind: 'deny', decider: { by: 'failsafe', cause: 'unevaluable', rule: null }, reason }
    expect(verdict).toEqual(
      expected === 'allow' ? { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } } : failsafe,
    )
  })

  it('is not held back where another family is not wholly known', () => {
    expect(judged([aRule('r', "http.method == 'PUT'", { reason: 'no' })], truncated()).verdict.kind).toBe('allow')
    expect(judged([aRule('r', 'false')], truncated(), 'deny').verdict).toMatchObject({
      decider: { setting: 'unmatched' },
    })
  })
})

describe('literals compared with a folded fact (spec 2.3)', () => {
  const folded: readonly [Family, string][] = [
    [http, 'http.method'],
    [sql, 'sql.verb'],
    [k8s, 'k8s.verb'],
    [ssh, 'ssh.verb'],
  ]
  const forms: readonly [string, boolean][] = [
    ["PATH == 'VALUE'", true],
    ["'VALUE' == PATH", true],
    ["!(PATH != 'VALUE')", true],
    ["!('VALUE' != PATH)", true],
    ["PATH in ['OTHER', 'VALUE']", true],
    ["PATH.startsWith('VAL')", true],
    ["PATH.endsWith('UE')", true],
    ["PATH.contains('ALU')", true],
    // no others
    ["PATH.matches('^VALUE$')", false],
    ["['VALUE'].exists(v, v == PATH)", false],
    ["PATH == ('VALUE' + '')", false],
    ["['VALUE'] == [PATH]", false],
    ["PATH < 'VALUE'", false],
  ]
  const all = folded.flatMap(([family, path]) =>
    forms.map(([form, isFolded]) => [form.replace('PATH', path), isFolded, family] as const),
  )
  it.each(all)('%s', (condition, isFolded, family) => {
    const [, member = ''] = (/\b(?:http|sql|k8s|ssh)\.(\w+)/.exec(condition) ?? []) as string[]
    const facts = { [family.name]: { [member]: 'value' } }
    const action = { facts, unknowns: [], credential: null, context: aContext() }
    const { verdict } = judge(compileRules([aRule('r', condition, { reason: 'no' })], [family], 'allow'), action)
    expect(verdict.kind).toBe(isFolded ? 'deny' : 'allow')
  })
})

describe('dialectOf()', () => {
  it.each(['profile', 'device', 'endpoint', 'now'])('refuses a family called %s', (name) => {
    expect(() => dialectOf([{ name, facts: [] }])).toThrow(
      `Cannot name a family "${name}": it is a variable of every rule`,
    )
  })
})
