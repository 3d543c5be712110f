import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReadOnly } from '../../gateway/store/database.ts'
import { revisionsOf } from '../../gateway/store/revisions.ts'
import { makeAuthority } from '../support/authority.ts'
import { expectOk } from '../support/device.ts'
import { type Lab, recordsIn, startLab } from '../support/lab.ts'
import { until } from '../support/until.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'

describe('clawpatrol rollback, history and what-if', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-rollback-'))
  const authority = makeAuthority(folder, [host])
  let upstream: Upstream
  let lab: Lab

  const policy = (verdict: 'allow' | 'deny') => `
endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${upstream.port}"
  ca_cert  = "<<file:${authority.caFile}>>"
}
credential "bearer_token" "token" {
  endpoint = https.api
}
rule "the-one" {
  endpoint  = https.api
  condition = "http.path == '/one' && http.query.page[0] == '2'"
  verdict   = "${verdict}"
}
profile "default" {
  credentials = [bearer_token.token]
}
`
  beforeAll(async () => {
    upstream = await startUpstream(authority, 'rollback-token-1234')
    lab = await startLab({
      names: [host],
      secrets: { token: 'rollback-token-1234' },
      policy: () => policy('allow'),
    })
  })

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const url = `https://${host}/one?page=2`
  const status = async () =>
    expectOk(await lab.run(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', url])).stdout
  const history = async () => recordsIn(expectOk(await lab.cli(['history', '--json'])).stdout)
  /** The same without a process. */
  const outcomes = async () => {
    await using database = openReadOnly(lab.stateDir)
    return revisionsOf(database)
      .list(20)
      .map(({ outcome }) => outcome)
  }

  it('put back what was in force, and tell who did what', async () => {
    const me = userInfo().username
    expect(await status()).toBe('200')
    lab.rewrite(policy('deny'))
    await until('the deny is in force', async () => (await outcomes()).length === 2)
    expect(await status()).toBe('403')
    const done = expectOk(await lab.cli(['rollback']))
    expect(done.stdout).toMatch(/put back: the files of [0-9a-f]{12}, in force .*\n.* policy [0-9a-f]{12} is in force/)
    expect(await status()).toBe('200')
    const rows = await history()
    expect(rows).toMatchObject([
      { who: me, how: 'rollback', outcome: 'applied', in_force: true },
      { who: me, how: 'file', outcome: 'applied', in_force: false },
      { who: me, how: 'start', outcome: 'applied', in_force: false },
    ])
    expect(rows[0]?.revision).toBe(rows[2]?.revision)
    const diff = expectOk(await lab.cli(['history', String(rows[1]?.revision).slice(0, 8), '--diff'])).stdout
    expect(diff).toMatch(/^-.*"allow"$/m)
    expect(diff).toMatch(/^\+.*"deny"$/m)
  })

  it('refuse while the file has edits that are not in force, and note what was refused', async () => {
    lab.rewrite(policy('allow').replace('http.path', 'http.pth'))
    await until('it is refused', async () => (await outcomes()).includes('refused'))
    const refused = await lab.cli(['rollback'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('has edits that are not in force')])
    expect(expectOk(await lab.cli(['rollback', '--force'])).stderr).toContain('gateway.hcl.rolled-back')
    expect(await status()).toBe('403')
    expect((await history())[0]).toMatchObject({ how: 'rollback', in_force: true })
  })

  it('say what another policy would have done with what was really recorded', async () => {
    const at = join(folder, 'new.hcl')
    const current = expectOk(await lab.cli(['history', '--json', '-n', '1']))
    const revision = String(recordsIn(current.stdout)[0]?.revision)
    const shown = JSON.parse(expectOk(await lab.cli(['history', revision, '--json'])).stdout) as {
      files: { text: string; path: string }[]
    }
    writeFileSync(at, (shown.files.find(({ path }) => path.endsWith('.hcl'))?.text ?? '').replace('"deny"', '"allow"'))
    const tried = await lab.cli(['what-if', at, '--json'])
    expect(tried.code).toBe(1)
    const report = JSON.parse(tried.stdout) as { flips: unknown }
    expect(report).toMatchObject({
      flips: [{ from: 'deny', to: 'allow', groups: [{ was: 'the-one', would: 'the-one' }] }],
      untold: [],
    })
    const [denied] = await lab.records('--denied')
    const fixture = JSON.parse(expectOk(await lab.cli(['logs', String(denied?.id), '--fixture'])).stdout) as unknown
    expect(fixture).toMatchObject({
      match: { verdict: 'deny', rule: 'the-one', endpoint: 'https.api' },
      action: {
        host,
        credential: 'token',
        device: 'lab',
        http: { method: 'GET', path: '/one', query: { page: ['2'] } },
      },
    })
  })
})
