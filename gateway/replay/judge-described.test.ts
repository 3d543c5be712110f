import { describe, expect, it } from 'vitest'
import type { DescribedAction } from '../../workers/contract/described.ts'
import { judgeDescribed, type Outcome } from './judge-described.ts'
import { aPolicy } from './lab.fixture.ts'

const rules = `
rule "no-purge" {
  endpoint  = https.api
  priority  = 10
  condition = "http.method == 'purge'"
  verdict   = "deny"
  reason    = "purge is off"
}
rule "spare-only" {
  endpoint   = https.api
  credential = bearer_token.key
  condition  = "http.path == '/key'"
  approve    = [builtin.dashboard]
}
rule "narrowly" {
  endpoint  = ssh.box
  condition = "profile == 'narrow' && device == 'ci' && now.getFullYear() == 2026"
  verdict   = "deny"
}
rule "few" {
  endpoint  = https.api
  condition = "http.path == '/few' && rate('few', '1h') >= 3"
  verdict   = "deny"
}
rule "dark" {
  endpoint  = https.api
  mode      = "shadow"
  condition = "http.path == '/few'"
  verdict   = "deny"
}
rule "tagged" {
  endpoint  = https.api
  priority  = 20
  condition = "'X-Token' in http.headers && http.headers['X-Token'][0] == 'a'"
  verdict   = "deny"
}
`
const policy = await aPolicy(rules)
const get = (path: string) => ({ method: 'GET', path, query: {} })
const judged = (action: DescribedAction, endpoint?: string): Promise<Outcome> =>
  judgeDescribed(policy, action, endpoint === undefined ? null : { endpoint })

describe('judgeDescribed()', () => {
  it('finds the endpoint by its host, with and without port, and by wildcards', async () => {
    for (const host of ['api.test', 'API.test:443', 'deep.er.api.test'])
      expect(await judged({ host, http: get('/') })).toMatchObject({ verdict: 'allow', endpoint: 'https.api' })
    expect(await judged({ host: 'db.test', sql: { statement: 'SELECT 1' } })).toMatchObject({ endpoint: 'postgres.db' })
    expect(await judged({ host: 'db.test:6543', sql: { statement: 'SELECT 1' } })).toMatchObject({
      endpoint: 'postgres.db',
    })
  })

  it('passes what no endpoint claims: the name, or a port on which nothing looks into connections', async () => {
    for (const host of ['other.test', 'api.test:8443'])
      expect(await judged({ host, http: get('/') })).toMatchObject({
        verdict: 'passthrough',
        endpoint: null,
        rule: null,
      })
  })

  it('looks in the given profile only', async () => {
    expect(await judged({ host: 'api.test', profile: 'narrow', http: get('/') })).toMatchObject({
      verdict: 'passthrough',
    })
  })

  it.each<[DescribedAction, string | undefined, string]>([
    [{ http: get('/') }, undefined, 'neither match.endpoint nor action.host'],
    [{ http: get('/') }, 'https.apis', 'there is no endpoint "apis"'],
    [{ http: get('/') }, 'postgres.api', 'is of type https, not postgres'],
    [{ http: get('/') }, 'api', 'is not <type>.<name>'],
    [{ ssh: { verb: 'pty' } }, 'https.api', 'endpoint "api" is family "http" but fixture has ssh block'],
    [
      { host: 'api.test', ssh: { verb: 'pty' } },
      undefined,
      'endpoint "api" is family "http" but fixture has ssh block',
    ],
    [{ profile: 'wide', http: get('/') }, 'https.api', 'there is no profile "wide"'],
    [{ profile: 'narrow', http: get('/') }, 'https.api', 'not reachable from profile "narrow"'],
    [{ credential: 'kee', http: get('/') }, 'https.api', 'there is no credential "kee"'],
    [{ at: 'soon', http: get('/') }, 'https.api', 'is not a time'],
    [{ ssh: { verb: 'fly' } }, 'ssh.box', 'ssh.verb: "fly" is none of'],
    [{ sql: { statement: ' ' } }, 'postgres.db', 'holds no statement'],
    [
      { sql: { statement: 'SELECT 1', verb: 'delete' } },
      'postgres.db',
      'sql.verb: given is "delete", the statement says "select"',
    ],
    [{ sql: { statement: 'SELECT 1', tables: ['t'] } }, 'postgres.db', 'sql.tables'],
    [
      { k8s: { verb: 'get' }, http: { method: 'DELETE', path: '/api/v1/pods', query: {} } },
      'kubernetes.cluster',
      'k8s.verb',
    ],
    [{ http: { ...get('/'), headers: { 'no name': ['1'] } } }, 'https.api', 'is no header name'],
  ])('refuses %j on %s', async (action, endpoint, message) => {
    await expect(judged(action, endpoint)).rejects.toThrow(message)
  })

  it('takes the credential traffic would choose, or the one that is given', async () => {
    expect(await judged({ host: 'api.test', http: get('/key') })).toMatchObject({ verdict: 'ask', rule: 'spare-only' })
    expect(await judged({ host: 'api.test', credential: 'spare', http: get('/key') })).toMatchObject({
      verdict: 'allow',
    })
  })

  it('knows profile, device and time', async () => {
    const ssh = { verb: 'pty' }
    const there = { profile: 'narrow', device: 'ci', at: '2026-05-05' }
    expect(await judged({ host: 'box.test', ...there, ssh })).toMatchObject({ verdict: 'deny', rule: 'narrowly' })
    expect(await judged({ host: 'box.test', ...there, at: '2027-05-05', ssh })).toMatchObject({ verdict: 'allow' })
    expect(await judged({ host: 'box.test', device: 'ci', at: '2026-05-05', ssh })).toMatchObject({ verdict: 'allow' })
  })

  it('gives rate() what is described, 0 otherwise, and tells what shadow rules say', async () => {
    expect(await judged({ host: 'api.test', http: get('/few') })).toMatchObject({
      verdict: 'allow',
      shadows: [{ rule: 'dark', would: 'deny' }],
    })
    expect(await judged({ host: 'api.test', rates: { few: 3 }, http: get('/few') })).toMatchObject({ rule: 'few' })
  })

  it('cannot evaluate a rule that reads a masked value; others are judged', async () => {
    const headers = { 'X-Token': ['***'] }
    expect(await judged({ host: 'api.test', http: { ...get('/'), headers } })).toMatchObject({
      verdict: 'deny',
      rule: 'tagged',
      failsafe: 'unevaluable',
    })
    expect(await judged({ host: 'api.test', http: { ...get('/'), headers: { 'X-Other': ['***'] } } })).toMatchObject({
      verdict: 'allow',
    })
  })

  it('does not know a path that is left out', async () => {
    expect(await judged({ host: 'api.test', http: { method: 'GET', query: {} } })).toMatchObject({
      verdict: 'deny',
      rule: 'spare-only',
      failsafe: 'unevaluable',
    })
  })

  it('closes SQL that nobody can read when no rule speaks of it', async () => {
    const guarded = await aPolicy(
      'rule "r" {\n endpoint = postgres.db\n condition = "sql.database == \'x\'"\n verdict = "deny"\n}',
    )
    const sql = { statement: 'SELEKT 1', database: 'y' }
    expect(await judgeDescribed(guarded, { host: 'db.test', sql })).toMatchObject({
      verdict: 'deny',
      rule: null,
      reason: 'request bytes were unparseable and no rule explicitly allowed the request; failing closed',
    })
    const given = { ...sql, verb: 'SELECT', tables: ['t'] }
    expect(await judgeDescribed(guarded, { host: 'db.test', sql: given })).toMatchObject({
      verdict: 'allow',
      rule: null,
    })
    expect(
      await judgeDescribed(guarded, { host: 'db.test', truncated: true, sql: { statement: 'SELECT 1' } }),
    ).toMatchObject({
      reason:
        'request bytes were truncated at the inspection buffer and no rule explicitly allowed the request; failing closed',
    })
  })
})
