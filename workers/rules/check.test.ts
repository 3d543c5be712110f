import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import type { Family } from '../contract/plugin.ts'
import { checkCondition } from './check.ts'

const fields = 'method, path, query, headers, body, body_json, host, scheme'

describe('checkCondition()', () => {
  it.each([
    "http.method in ['GET', 'HEAD']",
    'has(http.body_json.amount) && http.body_json.amount > 5000',
    "http.headers['X-Api-Key'][0].matches('^[a-z]+$')",
    "http.query.tag.exists(t, t.startsWith('a') && http.query.all(k, k != t))",
    "sets.contains(['a', 'b'], http.query.tag)",
    "matches(http.path, r'^/v\\d+/')",
    "http.path.lowerAscii().split('/')[1].replace('a', 'b') == 'x'",
    "timestamp(string(http.body_json.at)) < timestamp('2030-01-01T00:00:00Z')",
    "'k' in http.query && http.query.k[0] == 'v' // why\n",
    'true',
  ])('accepts %s', (source) => {
    expect(checkCondition(source, [http])).toEqual([])
  })

  it.each([
    ['', 'unexpected token: EOF', '1:1'],
    ['http.method ==', 'unexpected token: EOF', '1:15'],
    ["http.path == 'a", 'unterminated string', '1:14'],
    ["true\n  && sql.verb == 'select'", 'unknown variable: sql; rules here read http', '2:6'],
    ["http.paht == '/'", `http has no field paht; it has ${fields}`, '1:6'],
    ['has(http.paht)', `http has no field paht; it has ${fields}`, '1:10'],
    ['[1].exists(x, has(http.paht.a))', `http has no field paht; it has ${fields}`, '1:24'],
    ['http.path == 1', 'no such overload: string == int', '1:1'],
    ['http.path', 'the condition is a string, not a bool', '1:1'],
    ['1', 'the condition is an int, not a bool', '1:1'],
    ['http.body_json', 'the condition is a value of unknown type, not a bool: compare it with something', '1:1'],
    ["http.path.matches('a(')", 'bad regular expression: missing closing ): `a(`', '1:1'],
    ["matches(http.path, '(?=a)')", 'bad regular expression: invalid or unsupported Perl syntax: `(?=`', '1:1'],
    [
      "http.path.matches('(a|b){900}(c|d){900}')",
      'bad regular expression: too large: use fewer or smaller repetitions',
      '1:1',
    ],
    ['http.path.matches(http.method, 1)', "found no matching overload for 'string.matches(string, int)'", '1:1'],
    ['http.headers[1] == []', 'the keys of this map are string, not int', '1:14'],
    ["http['path'] == '/'", 'write http.NAME, not an index', '1:1'],
    ['[1].all(http, http == 1)', 'the iteration variable hides http: give it another name', '1:1'],
    [
      '[1].all(a, [1].all(b, [1].all(c, a + b == c)))',
      'all, exists, map and filter can be nested 2 deep at most',
      '1:23',
    ],
    ["now - duration('bad') < now", "'bad' is not a duration: write it like '10m' or '1h30m'", '1:7'],
    ["duration('5 m') == duration('5m')", "'5 m' is not a duration: write it like '10m' or '1h30m'", '1:1'],
    ['cel.bind(x, 1, x == 1)', 'cel.bind is not part of this language', '1:1'],
  ])('refuses %s', (source, message, place) => {
    const [first] = checkCondition(source, [http])
    expect([first?.message, `${first?.line}:${first?.column}`]).toEqual([message, place])
  })

  it("lets durations pass that are right: duration('1h30m')", () => {
    const source =
      "now - duration('1h30m') < now && duration('1.5s') < duration('-1m') && now < now + duration(profile)"
    expect(checkCondition(source, [http])).toEqual([])
  })

  it.each([
    ['parentheses', `${'('.repeat(100)}true${')'.repeat(100)}`],
    ['operands', Array(1500).fill('true').join(' && ')],
    ['negations', '!'.repeat(60_000)],
    ['characters', `${' '.repeat(70_000)}true`],
    ['list elements', `http.path in [${Array(1500).fill("''").join(',')}]`],
  ])('refuses too many %s', (_, source) => {
    expect(checkCondition(source, [http]).map(({ message }) => message)).toEqual([
      'the condition is too deep or too long',
    ])
  })

  it('gives offsets into the text, in order of discovery', () => {
    const source = "http.nope == 'x' && http.also\n"
    const found = checkCondition(source, [http]).map(({ start, end }) => source.slice(start, end))
    expect(found).toEqual(['nope', 'also'])
  })

  it('knows the variables of every family it is given and of no other', () => {
    const k8s: Family = { name: 'k8s', facts: [{ name: 'verb', type: 'string', doc: 'Verb.', folded: true }] }
    const source = "http.method == 'GET' && k8s.verb == 'LIST'"
    expect(checkCondition(source, [http, k8s])).toEqual([])
    expect(checkCondition(source, [http]).map(({ message }) => message)).toEqual([
      'unknown variable: k8s; rules here read http',
    ])
  })

  it('maps every kind of fact to its CEL type', () => {
    const all: Family = {
      name: 'all',
      facts: (['string', 'int', 'bool', 'list<string>', 'map<string, string>', 'dyn'] as const).map((type, index) => ({
        name: `f${index}`,
        type,
        doc: 'A fact.',
      })),
    }
    expect(
      checkCondition("all.f0 == '' && all.f1 == 22 && all.f2 && 'a' in all.f3 && all.f4.k == '' && all.f5 == 1", [all]),
    ).toEqual([])
    expect(checkCondition("all.f1 == '22'", [all]).map(({ message }) => message)).toEqual([
      'no such overload: int == string',
    ])
  })
})
