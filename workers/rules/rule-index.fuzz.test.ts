import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Unknown } from '../contract/action.ts'
import { http } from '../contract/families/http.ts'
import { sql } from '../contract/families/sql.ts'
import type { Rule } from '../contract/profile.ts'
import { checkCondition } from './check.ts'
import { compileRules, type RuleSet } from './compile.ts'
import { type Judgeable, judge } from './judge.ts'
import { aContext, aRule } from './request.fixture.ts'

const families = [http, sql]
const word = fc.constantFrom(
  'a',
  'b',
  '/',
  '/a',
  '/a/b',
  'get',
  'GET',
  'Select',
  'constructor',
  'toString',
  '__proto__',
  '',
)
const quoted = word.map((each) => `'${each}'`)
const textFact = fc.constantFrom('http.method', 'http.path', 'http.host', 'sql.verb', 'device', 'profile', 'endpoint')
const listFact = fc.constantFrom('http.headers', 'http.query', 'sql.tables', 'sql.functions', 'http.body_json')

/** Conditions over every kind of fact, variable and function; some fail on some actions. */
const atom = fc.oneof(
  fc.tuple(textFact, fc.constantFrom('==', '!='), quoted).map((parts) => parts.join(' ')),
  fc.tuple(quoted, textFact).map(([text, fact]) => `${text} == ${fact}`),
  fc.tuple(textFact, fc.array(quoted, { maxLength: 3 })).map(([fact, list]) => `${fact} in [${list.join(', ')}]`),
  fc
    .tuple(textFact, fc.constantFrom('startsWith', 'endsWith', 'contains'), quoted)
    .map(([fact, test, text]) => `${fact}.${test}(${text})`),
  fc
    .tuple(textFact, fc.constantFrom('^/a', '^/ab?$', '^a|b', '(?i)^GET', '^/a{0}', '^', '^\\\\/a/.*$', '^ge+t$'))
    .map(([fact, pattern]) => `${fact}.matches('${pattern}')`),
  fc.tuple(quoted, listFact).map(([text, fact]) => `${text} in ${fact}`),
  fc.tuple(listFact, quoted).map(([fact, text]) => `${fact}[${text}] == ['a']`),
  fc.tuple(listFact, quoted).map(([fact, text]) => `${fact}.exists(x, x == ${text})`),
  fc.constantFrom(
    'has(http.headers.constructor)',
    'has(http.query.a)',
    'has(http.body_json.toString)',
    'true',
    'false',
  ),
  fc.constantFrom('sql.statement_count == 1', '2 == sql.statement_count', 'sql.statement_count in [1, 3]'),
  fc.constantFrom('sql.is_write', "now.getHours('Europe/Paris') == 11", 'now.getFullYear() < 2000', '1 / 0 == 1'),
  fc.constantFrom("rate('n', '1h') < 3", "rate('n', '1h', 'profile') > 2", "rate('m', '10m') == 0"),
  fc.constantFrom("'%s'.format([http.path]) == '/a'", 'http.path.lowerAscii() == http.method', "'a' < http.path"),
  fc.constantFrom("sets.intersects(sql.tables, ['a'])", "http.path.split('/')[1] == 'a'", 'http.body_json.n >= 3'),
)

const condition: fc.Arbitrary<string> = fc
  .letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      atom,
      tie('any').map((inner) => `!(${inner})`),
      fc.tuple(tie('any'), fc.constantFrom('&&', '||'), tie('any')).map(([a, op, b]) => `(${a}) ${op} (${b})`),
      fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
    ),
  }))
  .any.filter((source) => checkCondition(source, families).length === 0)

const rules: fc.Arbitrary<readonly Rule[]> = fc
  .array(
    fc.record({
      when: fc.option(condition, { freq: 30 }),
      reason: fc.constantFrom(undefined, 'no'),
      credential: fc.constantFrom(undefined, undefined, 'k1', 'k2'),
      mode: fc.constantFrom('enforce', 'shadow', 'shadow'),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) =>
    list.map(({ when, reason, credential, mode }, at) =>
      aRule(`r${at}`, when, {
        mode: mode as Rule['mode'],
        ...(reason === undefined ? {} : { reason }),
        ...(credential === undefined ? {} : { credential }),
      }),
    ),
  )

const map = fc.dictionary(word, fc.constantFrom(['a'], ['b', 'a'], []), { maxKeys: 3 })
const list = fc.array(word, { maxLength: 4 })
const json = fc.oneof(map, list, fc.constantFrom<unknown>({ n: 3 }, { n: 'x' }, null, 5, JSON.parse('{"__proto__":1}')))
const context = fc
  .record({ profile: word, device: word, endpoint: word, nowMs: fc.constantFrom(0, Date.UTC(2026, 0, 13, 10)) })
  .map(aContext)
const unknowns: fc.Arbitrary<readonly Unknown[]> = fc.array(
  fc.record({
    path: fc.constantFrom(
      'http.path',
      'http.headers',
      'http.body_json',
      'sql',
      'sql.tables',
      'sql.verb',
      'http.method',
    ),
    because: fc.constantFrom('truncated', 'unparsed'),
  }),
  { maxLength: 3 },
)
const count = fc.constantFrom(0, 2, 3, -1)

const action: fc.Arbitrary<Judgeable> = fc
  .record({
    http: fc.record(
      { method: word, path: word, host: word, query: map, headers: map, body_json: json },
      { requiredKeys: [] },
    ),
    sql: fc.record(
      { verb: word, tables: list, functions: list, statement_count: fc.constantFrom(1, 2, 3n), is_write: fc.boolean() },
      { requiredKeys: [] },
    ),
    context,
    unknowns,
    credential: fc.constantFrom(null, 'k1', 'k2'),
    counts: fc.option(fc.tuple(count, count, count)),
  })
  .map(({ http, sql, counts, ...rest }) => {
    const [a = 0, b = 0, c = 0] = counts ?? []
    const known = new Map([
      ['device 3600000 n', a],
      ['profile 3600000 n', b],
      ['device 600000 m', c],
    ])
    return { ...rest, facts: { http, sql }, ...(counts === null ? {} : { counts: known }) } as unknown as Judgeable
  })

/** The same rules, every one of them tried. */
function withoutIndex(set: RuleSet): RuleSet {
  return { ...set, index: { candidates: () => set.rules.keys() } }
}

describe('the index of rules', () => {
  it('changes nothing: not the verdict, not what shadow rules say, not which counters are read', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(action, { minLength: 3, maxLength: 3 }),
        fc.constantFrom('allow', 'deny'),
        (list, actions, unmatched) => {
          const set = compileRules(list, families, unmatched)
          for (const each of actions) expect(judge(set, each)).toEqual(judge(withoutIndex(set), each))
        },
      ),
      { numRuns: 400 },
    )
  })
})
