// Rules alone, no network: judgements per second with 1 and 10,000 rules, load time and memory.
// node --expose-gc --import tsx test/bench/judge.mts

import { http } from '../../workers/contract/families/http.ts'
import type { RuleName } from '../../workers/contract/ids.ts'
import type { Rule } from '../../workers/contract/profile.ts'
import { checkCondition } from '../../workers/rules/check.ts'
import { compileRules, type RuleSet } from '../../workers/rules/compile.ts'
import { judge } from '../../workers/rules/judge.ts'

const families = [http]
const count = 10_000
const judgements = 200_000
const context = { profile: 'bench', device: 'laptop', endpoint: 'api', nowMs: Date.now() }

const shapes: { readonly [name: string]: (index: number) => string } = {
  'method && path prefix': (index) => `http.method == 'DELETE' && http.path.startsWith('/v1/things/${index}/')`,
  'path equal': (index) => `http.path == '/v1/things/${index}'`,
  'anchored pattern': (index) => `http.path.matches('^/v1/things/${index}/[0-9]+$')`,
  'header and body': (index) => `'X-Team-${index}' in http.headers && http.body.contains('secret ${index}')`,
  'host suffix': (index) => `http.host.endsWith('.team-${index}.example.com') && http.method != 'GET'`,
  'body only (cannot be indexed)': (index) => `http.body.contains('secret ${index}')`,
}

for (const [name, condition] of Object.entries(shapes)) {
  const conditions = Array.from({ length: count }, (_, index) => condition(index))
  const checkMs = timed(() => conditions.forEach((each) => void checkCondition(each, families)))
  const before = heapMb()
  const sets: RuleSet[] = []
  const compileMs = timed(() => sets.push(compileRules(conditions.map(rule), families, 'allow')))
  const [many] = sets
  const one = compileRules(conditions.slice(0, 1).map(rule), families, 'allow')
  if (many === undefined) throw new Error('no rules')
  const heap = heapMb() - before
  const times = name.includes('cannot') ? 20 : judgements
  console.log(
    JSON.stringify({
      name,
      checkMs: Math.round(checkMs),
      compileMs: Math.round(compileMs),
      heapMb: Number(heap.toFixed(1)),
      perSecondWith1: perSecond(one, judgements),
      perSecondWith10000: perSecond(many, times),
      heapAfterMb: Number((heapMb() - before).toFixed(1)),
    }),
  )
}

function rule(when: string, index: number): Rule {
  const name = `rule-${index}` as RuleName
  return { name, priority: 0, when, credential: null, outcome: { do: 'deny', reason: 'no' }, mode: 'enforce' }
}

function action(): Parameters<typeof judge>[1] {
  const headers = { Accept: ['*/*'], 'User-Agent': ['bench'], Authorization: ['Bearer placeholder'] }
  const facts = { method: 'get', path: '/v1/items/77', query: {}, headers, body: 'x'.repeat(200), body_json: {} }
  const all = { ...facts, host: 'api.example.com', scheme: 'https' }
  return { facts: { http: all }, unknowns: [], credential: null, context }
}

function perSecond(set: RuleSet, times: number): number {
  for (let index = 0; index < times / 10; index += 1) judge(set, action())
  const ms = timed(() => {
    for (let index = 0; index < times; index += 1) judge(set, action())
  })
  return Math.round((times / ms) * 1000)
}

function timed(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function heapMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1e6
}
