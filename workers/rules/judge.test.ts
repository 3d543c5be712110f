import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import type { Family } from '../contract/plugin.ts'
import type { Rule } from '../contract/profile.ts'
import type { Verdict } from '../contract/verdict.ts'
import { deciderLabel } from '../contract/verdict.ts'
import { compileRules } from './compile.ts'
import { type Judgeable, judge } from './judge.ts'
import { aContext, aRequest, aRule, truncated } from './request.fixture.ts'

function verdictOf(rules: readonly Rule[], action: Judgeable): Verdict {
  return judge(compileRules(rules, [http], 'allow'), action).verdict
}

/** `allow (no_rule)` or `deny rule: reason`. */
function inShort(verdict: Verdict): string {
  const label = `${verdict.kind} ${deciderLabel(verdict.decider)}`
  return verdict.kind === 'deny' ? `${label}: ${verdict.reason}` : label
}

const failing = (rule: string, cause: string) =>
  `deny ${rule} (unevaluable): rule "${rule}" could not be evaluated against this request (${cause}); failing closed`

describe('judge()', () => {
  describe('on a read-only API (spec 6.1)', () => {
    const rules = [
      aRule('tracker-read-only', "!(http.method in ['GET', 'HEAD', 'OPTIONS'])", {
        reason: 'this agent may only read',
      }),
    ]
    it.each([
      [
        'GET /v2/tickets',
        aRequest({ facts: { method: 'get', path: '/v2/tickets', query: { open: ['1'] } } }),
        'allow (no_rule)',
      ],
      ['POST /v2/tickets', aRequest({ facts: { method: 'post' } }), 'deny tracker-read-only: this agent may only read'],
      ['HEAD', aRequest({ facts: { method: 'head' } }), 'allow (no_rule)'],
      ['PURGE /cache', aRequest({ facts: { method: 'purge' } }), 'deny tracker-read-only: this agent may only read'],
      ['PUT of 5 MiB', truncated({ method: 'put' }), 'deny tracker-read-only: this agent may only read'],
    ])('%s', (_, action, expected) => {
      expect(inShort(verdictOf(rules, action))).toBe(expected)
    })
  })

  describe('with two keys, a default deny and a body predicate (spec 6.2)', () => {
    const live = { credential: 'billing-live' }
    const rules = [
      aRule('no-exports', "http.path.startsWith('/v1/export')", { reason: 'bulk export is off limits' }),
      aRule(
        'live-big-refund',
        `http.method == 'POST'
         && http.path == '/v1/refunds'
         && (!has(http.body_json.amount) || http.body_json.amount > 5000)`,
        { ...live, reason: 'refund over 50.00' },
      ),
      aRule('sandbox-anything', null, { credential: 'billing-test' }),
      aRule('live-writes', "http.method != 'GET'", live),
      aRule('fallback', null, { reason: 'not covered by policy' }),
    ]
    const refund = (body_json: unknown) =>
      aRequest({ credential: 'billing-live', facts: { method: 'post', path: '/v1/refunds', body_json } })
    it.each([
      [
        'a wildcard host',
        aRequest({ credential: 'billing-test', facts: { method: 'delete' } }),
        'allow sandbox-anything',
      ],
      [
        'a higher priority',
        aRequest({ credential: 'billing-test', facts: { path: '/v1/exports/all' } }),
        'deny no-exports: bulk export is off limits',
      ],
      ['a small refund', refund({ amount: 1200 }), 'allow live-writes'],
      ['a big refund', refund({ amount: 900000 }), 'deny live-big-refund: refund over 50.00'],
      ['no JSON', refund({}), 'deny live-big-refund: refund over 50.00'],
      [
        'a body of 300 KiB',
        { ...truncated({ method: 'post', path: '/v1/refunds' }), credential: refund({}).credential },
        failing('live-big-refund', 'truncated at the inspection buffer'),
      ],
      ['no credential', aRequest({ facts: { path: '/v1/charges' } }), 'deny fallback: not covered by policy'],
    ])('%s', (_, action, expected) => {
      expect(inShort(verdictOf(rules, action))).toBe(expected)
    })
  })

  describe('when a fact is unknown (spec 2.5)', () => {
    it.each([
      ["http.method == 'get'", 'get', 'deny r: denied by policy'],
      ["http.method == 'post' && http.body.contains('x')", 'get', 'allow (no_rule)'],
      ["http.body.contains('x') && http.method == 'post'", 'get', 'allow (no_rule)'],
      ["http.method == 'get' || http.body.contains('x')", 'get', 'deny r: denied by policy'],
      ["http.body.contains('x') || http.method == 'get'", 'get', 'deny r: denied by policy'],
      ["http.method == 'get' ? true : http.body == ''", 'get', 'deny r: denied by policy'],
      ['has(http.body_json.a)', 'get', failing('r', 'truncated at the inspection buffer')],
      ['!has(http.body_json.a)', 'get', failing('r', 'truncated at the inspection buffer')],
      ["http.body == ''", 'get', failing('r', 'truncated at the inspection buffer')],
      ["http.body != ''", 'get', failing('r', 'truncated at the inspection buffer')],
      ["['a'].exists(x, http.body.contains(x))", 'get', failing('r', 'truncated at the inspection buffer')],
      ["['a'].filter(x, http.body.contains(x)).size() == 0", 'get', failing('r', 'truncated at the inspection buffer')],
      ['dyn(http).body == dyn(1)', 'get', failing('r', 'truncated at the inspection buffer')],
      ['http.body.size() == 0 ? false : false', 'get', failing('r', 'truncated at the inspection buffer')],
      ["http.headers['Gone'][0] == 'a' || http.body == ''", 'get', failing('r', 'truncated at the inspection buffer')],
      ["http.body == '' || http.headers['Gone'][0] == 'a'", 'get', failing('r', 'truncated at the inspection buffer')],
    ])('%s', (condition, method, expected) => {
      const rules = [aRule('r', condition, { reason: 'denied by policy' })]
      expect(inShort(verdictOf(rules, truncated({ method })))).toBe(expected)
    })

    it.each([
      [['truncated'], 'truncated at the inspection buffer'],
      [['unparsed'], 'unparseable'],
      [['undecodable'], 'unparseable'],
      [['truncated', 'undecodable'], 'truncated at the inspection buffer and unparseable'],
      [['streaming'], 'evaluation error'],
    ] as const)('says why: %s', (reasons, cause) => {
      const unknowns = reasons.map((because) => ({ path: 'http.body_json', because }))
      const verdict = verdictOf([aRule('r', 'http.body_json.a == 1')], aRequest({ unknowns }))
      expect(inShort(verdict)).toBe(failing('r', cause))
    })

    it('denies an allow rule that reads it, and leaves rules alone that do not', () => {
      const rules = [aRule('ok', "http.body.contains('ok')"), aRule('all', null)]
      expect(verdictOf(rules, truncated()).kind).toBe('deny')
      expect(verdictOf([aRule('get', "http.method == 'GET'")], truncated()).kind).toBe('allow')
    })

    it('takes a path below a fact for the fact, and a path that is no fact for all of them', () => {
      const rules = [aRule('r', "http.method == 'GET'", { reason: 'no' })]
      const unknown = (path: string) => aRequest({ unknowns: [{ path, because: 'unparsed' }] })
      expect(inShort(verdictOf(rules, unknown('http.method.x')))).toBe(failing('r', 'unparseable'))
      expect(inShort(verdictOf(rules, unknown('http.boddy')))).toBe(failing('r', 'unparseable'))
      expect(inShort(verdictOf(rules, unknown('http')))).toBe(failing('r', 'unparseable'))
      expect(inShort(verdictOf(rules, unknown('http.path')))).toBe('deny r: no')
    })
  })

  describe('when an evaluation errs', () => {
    it.each([
      ["http.headers['content-type'][0] == 'a'", { headers: { 'Content-Type': ['a'] } }],
      ['has(http.body_json.x)', { body_json: [1] }],
      ['has(http.body_json.x.y)', { body_json: {} }],
      ['http.body_json.n > 5', { body_json: { n: 'a' } }],
      ['http.body_json.flag', { body_json: { flag: 'true' } }],
      ['http.body_json.list[3] == 1', { body_json: { list: [1] } }],
      ['http.path.matches(http.body_json.p)', { body_json: { p: '(' } }],
      ["http.path == '/'", { path: undefined }],
      ["http.path == '/'", { path: 5 }],
      ["'a' in http.query", { query: ['a'] }],
      ["'a' in http.query", { query: null }],
    ])('%s denies', (condition, facts) => {
      const verdict = verdictOf([aRule('r', `${condition} || false`)], aRequest({ facts }))
      expect(inShort(verdict)).toBe(failing('r', 'evaluation error'))
    })

    it('denies when the decoder throws or has no such family, and tells nothing of it', () => {
      const thrower = {
        get path(): string {
          throw new Error('secret')
        },
      }
      const rules = [aRule('r', "http.path == '/'")]
      const broken = { facts: { http: thrower }, unknowns: [], credential: null, context: aContext() }
      expect(inShort(verdictOf(rules, broken))).toBe(failing('r', 'evaluation error'))
      expect(inShort(verdictOf(rules, { ...broken, facts: {} }))).toBe(failing('r', 'evaluation error'))
    })

    it('denies when a condition would not have passed the check', () => {
      expect(inShort(verdictOf([aRule('r', 'http.path')], aRequest()))).toBe(failing('r', 'evaluation error'))
    })

    it('denies when facts are no object at all', () => {
      const action = { facts: null, unknowns: [], credential: null } as unknown as Judgeable
      expect(inShort(verdictOf([aRule('r', 'true')], action))).toBe(
        'deny (unevaluable): the rules could not be evaluated against this request (evaluation error); failing closed',
      )
    })
  })

  it('tries rules in the order given, and the first that matches decides', () => {
    const rules = [
      aRule('a', "http.path == '/x'"),
      aRule('b', "http.path.startsWith('/')", { reason: '' }),
      aRule('c', null),
    ]
    expect(inShort(verdictOf(rules, aRequest({ facts: { path: '/x' } })))).toBe('allow a')
    expect(inShort(verdictOf(rules, aRequest({ facts: { path: '/y' } })))).toBe('deny b: denied by policy')
    expect(inShort(verdictOf(rules, aRequest({ facts: { path: 'z' } })))).toBe('allow c')
  })

  it('looks at the credential before the condition', () => {
    const rules = [aRule('a', 'has(http.body_json.a)', { credential: 'k1' })]
    expect(verdictOf(rules, { ...truncated(), credential: null }).kind).toBe('allow')
    expect(verdictOf(rules, aRequest({ credential: 'k2', unknowns: truncated().unknowns })).kind).toBe('allow')
    expect(verdictOf(rules, aRequest({ credential: 'k1', unknowns: truncated().unknowns })).kind).toBe('deny')
  })

  it('reads a fact at most once, and only when a rule needs it', () => {
    const seen: string[] = []
    const facts = {
      get method() {
        seen.push('method')
        return 'get'
      },
      get body_json() {
        seen.push('body_json')
        return { a: 1 }
      },
    }
    const rules = ['post', 'put'].map((verb) => aRule(verb, `http.method == '${verb}' && http.body_json.a == 1`))
    const deny = aRule('get', "http.method == 'get' && http.body_json.a == 1 && http.body_json.a != 2", {
      reason: 'no',
    })
    const verdict = verdictOf([...rules, deny], {
      facts: { http: facts },
      unknowns: [],
      credential: null,
      context: aContext(),
    })
    expect([verdict.kind, seen]).toEqual(['deny', ['method', 'body_json']])
  })

  it('compares int facts given as numbers or bigints', () => {
    const ssh: Family = { name: 'ssh', facts: [{ name: 'forward_port', type: 'int', doc: 'Port.' }] }
    const set = compileRules([aRule('r', 'ssh.forward_port == 22', { reason: 'no' })], [ssh], 'allow')
    const kinds = [22, 22n, 23, 22.5, '22'].map(
      (forward_port) =>
        judge(set, { facts: { ssh: { forward_port } }, unknowns: [], credential: null, context: aContext() }).verdict
          .decider.by,
    )
    expect(kinds).toEqual(['rule', 'rule', 'default', 'failsafe', 'failsafe'])
  })
})
