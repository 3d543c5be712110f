import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadPolicy } from '../../gateway/config/load-policy.ts'
import type { Policy } from '../../gateway/config/policy.ts'
import { readFixture } from '../../gateway/replay/fixture.ts'
import { readFixtures } from '../../gateway/replay/fixture-files.ts'
import { judgeDescribed, type Outcome } from '../../gateway/replay/judge-described.ts'
import type { DescribedAction } from '../../workers/contract/described.ts'

const policies = new Map<number, Promise<Policy>>()

/** The policy of worked example 6.N. */
function example(number: number): Promise<Policy> {
  const known = policies.get(number) ?? loaded(number)
  policies.set(number, known)
  return known
}

async function loaded(number: number): Promise<Policy> {
  const { policy, problems } = await loadPolicy(pathOf(`ex${number}.hcl`))
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  if (policy === null) throw new Error(`example ${number} does not load`)
  return policy
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

function shown({ verdict, rule, reason, approvers }: Outcome): object {
  return { verdict: verdict === 'ask' ? 'approve' : verdict, rule: rule ?? '', reason, approvers }
}

/** Who the rows of `approve` name. */
const approvers: { readonly [file: string]: readonly string[] } = {
  'ex2/03-small-refund.json': ['finance'],
  'ex3/03-customers.json': ['pii-judge'],
  'ex3/04-staging-delete.json': ['dashboard'],
  'ex4/02-restart.json': ['sre'],
  'ex5/03-reboot.json': ['dashboard'],
  'ex6/01-send.json': ['tone', 'support'],
}

/** What approvers are told where the rule has no reason of its own. */
const noReason = 'a rule wants approval'

const fixtures = [1, 2, 3, 4, 5, 6].flatMap((number) =>
  readFixtures(pathOf(`ex${number}`)).map(({ path, content }) => {
    const name = path.slice(path.indexOf(`ex${number}/`))
    return { number, name, content: String(content) }
  }),
)

describe('the worked examples of spec 6', () => {
  it.each(fixtures)('$name', async ({ number, name, content }) => {
    const read = readFixture(content)
    if ('problems' in read) throw new Error(read.problems.join('; '))
    const { match, action } = read.fixture
    const pin = match.endpoint === undefined ? null : { endpoint: match.endpoint }
    expect(shown(await judgeDescribed(await example(number), action, pin))).toEqual({
      verdict: match.verdict,
      rule: match.rule,
      reason: match.reason ?? (match.verdict === 'approve' ? noReason : null),
      approvers: approvers[name] ?? [],
    })
  })

  it('have 45 rows', () => {
    expect(fixtures.length).toBe(45)
  })
})

describe('rows that ours answers otherwise', () => {
  // each is a [FIX] of the spec; the fixture holds our value
  it.each([
    // 2.4: malformed JSON is unavailable, not an empty object; the same verdict and rule
    [
      'ex2/05-no-json.json',
      { verdict: 'deny', rule: 'live-big-refund' },
      'refund over 50.00 or without an explicit amount',
    ],
    // 2.4: a path that is no API call has unknown facts: the cause is told as such
    ['ex4/08-no-api.json', { verdict: 'deny', rule: 'secrets-never' }, '(evaluation error)'],
    // 2.6: PostgreSQL's grammar knows a.b.c; the tables are a.b.c and c, and users is not among them
    ['ex6/07-three-parts.json', { verdict: 'deny', rule: 'crm-read' }, '(unparseable)'],
    // 2.7: EXPLAIN is understood, and is none of the verbs that may pass
    ['ex6/10-explain.json', { verdict: 'deny', rule: 'metrics-read' }, '(unparseable)'],
  ])('%s', (name, row, reason) => {
    const fixture = fixtures.find((each) => each.name === name)
    const { match } = JSON.parse(fixture?.content ?? '{}')
    const { verdict, rule } = match
    expect({ verdict, rule, reason: match.reason ?? '' }).not.toEqual({ ...row, reason })
    expect(String(match.reason ?? '')).not.toContain(reason)
  })
})

describe('the same rows written in other ways', () => {
  const judged = async (number: number, action: DescribedAction, endpoint?: string) =>
    shown(await judgeDescribed(await example(number), action, endpoint === undefined ? null : { endpoint }))

  it('finds out by itself that a body is longer than the buffer', async () => {
    const http = {
      method: 'POST',
      path: '/v1/refunds',
      query: {},
      body: `{"amount": 1, "pad": "${'x'.repeat(300 * 1024)}"}`,
    }
    expect(await judged(2, { host: 'api.billing.test', credential: 'billing-live', http })).toMatchObject({
      verdict: 'deny',
      rule: 'live-big-refund',
      reason:
        'rule "live-big-refund" could not be evaluated against this request (truncated at the inspection buffer); failing closed',
    })
  })

  it('chooses the credential by its placeholder, as traffic does', async () => {
    const http = {
      method: 'DELETE',
      path: '/v1/customers/7',
      query: {},
      headers: { Authorization: ['Bearer PH_bill_test'] },
    }
    expect(await judged(2, { host: 'eu.billing.test', http })).toMatchObject({
      verdict: 'allow',
      rule: 'sandbox-anything',
    })
  })

  it('judges a 2 MiB statement as truncated', async () => {
    const sql = { statement: `INSERT INTO carts VALUES ('${'x'.repeat(2 * 1024 * 1024)}')`, database: 'prod' }
    expect(await judged(3, { credential: 'orders-writer', sql }, 'postgres.orders')).toMatchObject({
      rule: 'dangerous-functions',
      reason:
        'rule "dangerous-functions" could not be evaluated against this request (truncated at the inspection buffer); failing closed',
    })
  })

  it('judges every statement of a text: the first denial decides', async () => {
    const sql = { statement: 'SELECT 1; DELETE FROM carts; SELECT 2', database: 'prod' }
    const outcome = await judgeDescribed(
      await example(3),
      { credential: 'orders-writer', sql },
      { endpoint: 'postgres.orders' },
    )
    expect(outcome).toMatchObject({ verdict: 'deny', rule: 'orders-default' })
    expect(outcome.parts.map(({ judgement }) => judgement.verdict.kind)).toEqual(['allow', 'deny', 'allow'])
  })

  it('takes a Kubernetes call without its request', async () => {
    const k8s = { verb: 'delete', resource: 'pods', namespace: 'web', name: 'api-1' }
    expect(await judged(4, { host: 'a.eks.acme.test', k8s })).toMatchObject({
      verdict: 'approve',
      rule: 'live-restart',
    })
  })

  it('knows that the namespace itself is deleted, and still has no rule for it', async () => {
    const http = { method: 'DELETE', path: '/api/v1/namespaces/web', query: {} }
    const outcome = await judgeDescribed(await example(4), { host: 'a.eks.acme.test', http })
    expect(outcome.parts[0]?.judgeable.facts.k8s).toMatchObject({ verb: 'delete', resource: 'namespaces', name: 'web' })
    expect(outcome).toMatchObject({ verdict: 'deny', rule: 'k8s-default' })
  })

  it('judges 4 MiB of input as truncated', async () => {
    const ssh = { verb: 'exec', command: 'bash -s', user: 'ci', stdin: 'x'.repeat(4 * 1024 * 1024) }
    expect(await judged(5, { host: 'builder.acme.test:2222', ssh })).toMatchObject({
      verdict: 'deny',
      rule: 'script-guard',
    })
  })

  it('picks the credential of a session by its user', async () => {
    const ssh = { verb: 'exec', command: 'reboot', user: 'root' }
    expect(await judged(5, { host: 'builder.acme.test', ssh })).toMatchObject({
      verdict: 'approve',
      rule: 'root-needs-human',
    })
  })

  it('passes what no endpoint claims, or denies it', async () => {
    const http = { method: 'GET', path: '/', query: {} }
    expect(await judged(6, { host: 'elsewhere.test', http })).toMatchObject({ verdict: 'passthrough', rule: '' })
    expect(await judged(2, { host: 'elsewhere.test', http })).toMatchObject({ verdict: 'deny', rule: '' })
  })
})
