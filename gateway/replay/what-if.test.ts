import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DescribedHttp } from '../../workers/contract/described.ts'
import type { CredentialName, EpochMs, RuleName } from '../../workers/contract/ids.ts'
import { loadPolicy } from '../config/load-policy.ts'
import type { Policy } from '../config/policy.ts'
import { asked, denied } from '../recorder/events.fixture.ts'
import { openDatabase } from '../store/database.ts'
import { scratchDir } from '../store/scratch.fixture.ts'
import { fixtureOf } from './fixture-of.ts'
import { judgeDescribed } from './judge-described.ts'
import { recordAll, type ToRecord } from './recorded.fixture.ts'
import { whatIf } from './what-if.ts'

const host = 'api.example.com'

async function policyOf(rules: string, endpoint = 'api'): Promise<Policy> {
  const dir = scratchDir()
  const path = join(dir, 'new.hcl')
  writeFileSync(
    path,
    `schema_version = 1
gateway {
  dashboard_listen = "127.0.0.1:8080"
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "${endpoint}" {
  hosts = ["${endpoint}.example.com"]
}
credential "bearer_token" "token" {
  endpoint = https.${endpoint}
}
approver "human_approver" "oncall" {
  channel = "dashboard"
}
${rules}
profile "default" {
  credentials = [bearer_token.token]
}
`,
  )
  const { policy, problems } = await loadPolicy(path)
  rmSync(dir, { recursive: true })
  if (policy === null) throw new Error(problems.map(({ message }) => message).join('\n'))
  return policy
}

const rule = (name: string, condition: string, then: string) => `rule "${name}" {
  endpoint  = https.api
  condition = ${JSON.stringify(condition)}
  ${then}
}
`
const deny = 'verdict = "deny"'

function request(method: string, path: string, parts: DescribedHttp = {}): Pick<ToRecord, 'described' | 'title'> {
  const http = { method, path, query: {}, headers: {}, body: '', ...parts }
  return { title: `${method} https://${host}${path}`, described: { host, http } }
}

const noRule = { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } } as const

async function replayed(policy: Policy, all: readonly ToRecord[], range = {}) {
  const dir = join(scratchDir(), 'state')
  mkdirSync(dir, { mode: 0o700 })
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  await using database = openDatabase(dir)
  await recordAll(database, all)
  return await whatIf(database, policy, { since: 0, until: 1e15, limit: null, ...range })
}

describe('whatIf()', () => {
  it('counts rows that are damaged as untold, and judges the others', async () => {
    const policy = await policyOf(rule('no-put', "http.method == 'PUT' && http.headers.a == ['b']", deny))
    const dir = scratchDir()
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    await using database = openDatabase(dir)
    const rows = await recordAll(database, Array(10).fill(request('GET', '/')))
    const head = `"host":"${host}","http":{"method":"GET","path":"/","query":{},"body":"",`
    const damaged = [
      ['described', '{'],
      ['described', 'null'],
      ['described', '[5]'],
      ['described', '{"http":7}'],
      ['described', `{${head}"headers":{"A":5}}}`],
      ['described', `{${head}"headers":{"__proto__":["x"],"A":[{}]}}}`],
      ['unknowns', '{"path"'],
      ['unknowns', '7'],
      ['opened_at', 9e15],
    ] as const
    for (const [at, [column, value]] of damaged.entries())
      database.sqlite.prepare(`UPDATE actions SET ${column} = ? WHERE id = ?`).run(value, rows[at]?.id)
    const report = await whatIf(database, policy, { since: 0, until: 1e16, limit: null })
    const untold = report.untold.reduce((sum, { count }) => sum + count, 0)
    const gone = report.gone.reduce((sum, { count }) => sum + count, 0)
    expect([report.actions, report.same + untold + gone, report.flips]).toEqual([10, 10, []])
    expect(untold).toBeGreaterThanOrEqual(6)
  })

  it('tells nothing of a rule that reads parameters the record does not hold, and prepares what was prepared', async () => {
    const policy = await policyOf(`endpoint "postgres" "db" {
  host = "db.example.com:5432"
}
credential "passthrough" "open" {
  endpoint = postgres.db
}
rule "two" {
  endpoint  = postgres.db
  condition = "'1' in sql.params && sql.params['1'] == '2'"
  verdict   = "deny"
}
profile "database" {
  credentials = [passthrough.open]
}
`)
    const statement = 'select b from t where a = $1'
    const asked = (sql: object) => ({
      described: { host: 'db.example.com:5432', sql: { statement, ...sql } },
      title: statement,
      verdict: noRule,
      profile: 'database',
    })
    const report = await replayed(policy, [
      asked({ params: { 1: '***' } }),
      asked({ params: { 1: '2' } }),
      asked({ params: {} }),
      asked({ prepare: true }),
    ])
    expect(report.untold).toEqual([{ because: 'a rule reads sql.params.1, which is not in the record', count: 1 }])
    expect(report).toMatchObject({ actions: 4, same: 2, gone: [], flips: [{ from: 'allow', to: 'deny', count: 1 }] })
  })

  it('groups what would be decided otherwise by rule and device, what opens up first', async () => {
    const policy = await policyOf(rule('no-get', "http.method == 'GET'", deny))
    const gone = request('DELETE', '/a')
    const report = await replayed(policy, [
      { ...request('GET', '/x'), verdict: noRule },
      { ...gone, verdict: denied },
      { ...gone, verdict: denied },
      { ...gone, verdict: denied, device: 'phone' },
      { ...request('POST', '/pay'), verdict: asked },
      { ...request('GET', '/y'), verdict: denied },
    ])
    const flips = report.flips.map(({ from, to, count, groups }) => [
      `${from} ${to} ${count}`,
      ...groups.map((group) => `${group.count} ${group.device} ${group.was} ${group.would} ${group.example.title}`),
    ])
    expect(flips).toEqual([
      [
        'deny allow 3',
        '2 laptop no-delete null DELETE https://api.example.com/a',
        '1 phone no-delete null DELETE https://api.example.com/a',
      ],
      ['ask allow 1', '1 laptop needs-human null POST https://api.example.com/pay'],
      ['allow deny 1', '1 laptop null no-get GET https://api.example.com/x'],
    ])
    expect(report).toMatchObject({ actions: 6, same: 1, untold: [], gone: [], undecided: 0 })
  })

  it('takes an ask nobody could answer for an ask', async () => {
    const policy = await policyOf(rule('needs-human', "http.method == 'POST'", 'approve = [human_approver.oncall]'))
    const decider = { by: 'failsafe', cause: 'approval_unavailable', rule: 'needs-human' as RuleName } as const
    const ruled = { kind: 'deny', decider, reason: 'approval required but HITL is not configured' } as const
    expect(await replayed(policy, [{ ...request('POST', '/'), verdict: asked, ruled }])).toMatchObject({
      same: 1,
      flips: [],
    })
  })

  it('cannot tell only where a rule reads what the record does not hold', async () => {
    const secret = request('GET', '/a', {
      headers: { Authorization: ['***'], 'X-A': ['b'] },
      query: { token: ['***'] },
    })
    const all = [{ ...secret, verdict: noRule }]
    const told = await policyOf(
      rule(
        'a',
        "'x' in http.query || http.headers['X-A'][0] == 'c' || http.path == '/b' && http.query.token[0] == 'x'",
        deny,
      ),
    )
    expect(await replayed(told, all)).toMatchObject({ same: 1, untold: [] })
    for (const [condition, path] of [
      ["http.headers['Authorization'][0] == 'Bearer x'", 'http.headers.Authorization'],
      ["http.query.token.exists(t, t == 'x')", 'http.query.token'],
    ] as const) {
      const untold = await replayed(await policyOf(rule('a', condition, deny)), all)
      expect(untold).toMatchObject({ same: 0, flips: [] })
      expect(untold.untold).toEqual([{ because: `a rule reads ${path}, which is not in the record`, count: 1 }])
    }
    const first = rule('first', "http.path == '/a'", 'verdict = "allow"')
    const later = await policyOf(first + rule('second', "http.headers['Authorization'][0] == 'x'", deny))
    expect(await replayed(later, all)).toMatchObject({ same: 1, untold: [] })
  })

  it('judges calls to Kubernetes although their token is masked, but not when their path is', async () => {
    const policy = await policyOf(`endpoint "kubernetes" "cluster" {
  server = "cluster.example.com:6443"
}
credential "bearer_token" "cluster-token" {
  endpoint = kubernetes.cluster
}
rule "no-prod" {
  endpoint  = kubernetes.cluster
  condition = "k8s.verb == 'delete' && k8s.namespace == 'prod'"
  verdict   = "deny"
}
profile "cluster" {
  credentials = [bearer_token.cluster-token]
}`)
    const path = '/api/v1/namespaces/prod/pods/web'
    const http = { method: 'DELETE', path, query: {}, headers: { Authorization: ['***'] }, body: '' }
    const call = { title: 'delete pods', verdict: noRule, profile: 'cluster' }
    const host = 'cluster.example.com:6443'
    const report = await replayed(policy, [
      { ...call, described: { host, http } },
      { ...call, described: { host, http: { ...http, path: '/api/v1/namespaces/[REDACTED credential]/pods/x' } } },
    ])
    expect(report).toMatchObject({
      flips: [{ from: 'allow', to: 'deny', count: 1, groups: [{ would: 'no-prod' }] }],
      untold: [{ because: 'a rule reads http.path, which is not in the record', count: 1 }],
    })
  })

  it('reads bodies from their samples, and cannot tell of those that are longer', async () => {
    const policy = await policyOf(rule('no-drop', "http.body_json.action == 'drop'", deny))
    const { body: _, ...http } = request('POST', '/').described?.http ?? {}
    const post = { title: 'POST', described: { host, http }, verdict: noRule }
    const report = await replayed(policy, [
      { ...post, body: '{"action":"drop"}' },
      { ...post, body: '{"action":"keep"}' },
      { ...post, body: '{"action":"keep"', more: 20 },
    ])
    expect(report).toMatchObject({
      same: 1,
      flips: [{ from: 'allow', to: 'deny', count: 1 }],
      untold: [{ because: 'a rule reads http.body, which is not in the record', count: 1 }],
    })
  })

  it('keeps a denial for what was unknown even then', async () => {
    const policy = await policyOf(rule('no-drop', "http.body.contains('drop')", deny))
    const { body: _, ...http } = request('POST', '/').described?.http ?? {}
    const decider = { by: 'failsafe', cause: 'unevaluable', rule: 'no-drop' as RuleName } as const
    const verdict = { kind: 'deny', decider, reason: 'truncated' } as const
    const unknowns = [{ path: 'http.body', because: 'truncated' as const }]
    const long = { title: 'POST', described: { host, http }, verdict, unknowns, body: 'x', more: 9 }
    expect(await replayed(policy, [long])).toMatchObject({ same: 1, untold: [] })
  })

  it('tells what the policy does not have, and what no rule decided', async () => {
    const policy = await policyOf('', 'other')
    const decider = { by: 'failsafe', cause: 'secret_missing', rule: null } as const
    const report = await replayed(policy, [
      { ...request('GET', '/'), verdict: denied },
      { title: 'GET', described: { host: 'other.example.com', http: {} }, credential: 'old' as CredentialName },
      { ...request('GET', '/'), verdict: { kind: 'deny', decider, reason: 'no secret' } },
      { ...request('GET', '/'), endpoint: null },
      { title: 'TLS handshake' },
    ])
    expect(report).toMatchObject({
      flips: [{ from: 'deny', to: 'passthrough', count: 1 }],
      gone: [{ because: expect.stringContaining('there is no credential "old"'), count: 1 }],
      untold: [{ because: 'the record does not hold what it was', count: 1 }],
      undecided: 2,
    })
  })

  it('counts for rate() what the new policy allows, per device, also from before the range', async () => {
    const policy = await policyOf(
      rule('some', "http.method == 'POST' && rate('posts', '10m') < 2", 'verdict = "allow"') +
        rule('no-more', "http.method == 'POST'", `priority = -1\n  ${deny}`),
    )
    const at = (minute: number, device = 'laptop') => ({
      ...request('POST', '/'),
      verdict: noRule,
      device,
      at: (minute * 60_000) as EpochMs,
    })
    const all = [at(20), at(21), at(22), at(22, 'laptop'), at(31), at(32)]
    expect(await replayed(policy, all)).toMatchObject({ same: 4, flips: [{ from: 'allow', to: 'deny', count: 2 }] })
    expect(await replayed(policy, all, { since: 22 * 60_000 })).toMatchObject({ actions: 4, same: 2 })
    expect(await replayed(policy, all, { limit: 2 })).toMatchObject({ actions: 2, same: 2, flips: [] })
    expect(await replayed(policy, all, { until: 22 * 60_000 })).toMatchObject({ actions: 2, same: 2 })
  })
})

describe('fixtureOf()', () => {
  it('gives fixtures that the policy it was recorded under decides as it did', async () => {
    const policy = await policyOf(
      rule('no-delete', "http.method == 'DELETE'", deny) +
        rule(
          'reads',
          "'X-A' in http.headers && http.headers['X-A'].size() == 2 && http.query.q[1] == 'b c'",
          'verdict = "allow"',
        ) +
        rule('needs-human', 'http.body_json.amount > 100', 'approve = [human_approver.oncall]'),
    )
    const dir = join(scratchDir(), 'state')
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    await using database = openDatabase(dir)
    const { body: _, ...http } = request('POST', '/').described?.http ?? {}
    const rows = await recordAll(database, [
      { ...request('DELETE', '/a/é'), verdict: denied },
      request('GET', '/', { headers: { 'X-A': ['1', '2'] }, query: { q: ['a', 'b c'] } }),
      { title: 'POST', described: { host, http }, body: '{"amount":101}', verdict: asked },
    ])
    for (const row of rows) {
      const { match, action } = fixtureOf(row)
      const { verdict, rule: by, endpoint } = await judgeDescribed(policy, action, { endpoint: match.endpoint })
      expect({ verdict: verdict === 'ask' ? 'approve' : verdict, rule: by, endpoint }).toEqual({
        verdict: match.verdict,
        rule: match.rule,
        endpoint: match.endpoint,
      })
    }
    expect(rows).toHaveLength(3)
  })
})
