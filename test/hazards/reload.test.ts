import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { type Authority, makeAuthority } from '../support/authority.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { until } from '../support/until.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'reload-token-8812'
const client = fileURLToPath(new URL('clients/keep_asking.py', import.meta.url))

describe('P8: a new policy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-reload-'))
  let authority: Authority
  let upstream: Upstream
  let lab: Lab
  let agent: Agent

  const policy = (allowed: 'one' | 'two') => `
endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${upstream.port}"
  ca_cert  = "<<file:${authority.caFile}>>"
}
credential "bearer_token" "token" {
  endpoint = https.api
}
rule "allow-${allowed}" {
  endpoint  = https.api
  condition = "http.path == '/${allowed}'"
  verdict   = "allow"
}
rule "nothing-else" {
  endpoint = https.api
  priority = -100
  verdict  = "deny"
  reason   = "not covered"
}
profile "default" {
  credentials = [bearer_token.token]
}
`
  beforeAll(async () => {
    authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({ names: [host], secrets: { token }, policy: () => policy('one') })
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const status = async (path: string) =>
    (await agent.sh(`curl -sS -o /dev/null -w '%{http_code}' https://${host}${path}`)).stdout
  const applies = (path: string) => until(`${path} is allowed`, async () => (await status(path)) === '200' && true)

  it('under load never allows what the old and the new one deny, and ends no request without an answer', async () => {
    const load = lab.startRun(['python3', client, host, '/one', '/two', '/never'], null)
    await load.saw(/asking/)
    for (const allowed of ['two', 'one', 'two', 'one'] as const) {
      lab.rewrite(policy(allowed))
      await applies(`/${allowed}`)
    }
    load.child.stdin?.end('enough\n')
    const { stdout } = await load.finished
    const seen = new Set(/results (.*)/.exec(stdout)?.[1]?.split(' '))
    expect([...seen].sort()).toEqual(['/never=403', '/one=200', '/one=403', '/two=200', '/two=403'])
    expect(upstream.received.filter(({ path }) => path === '/never')).toEqual([])
    expect(Number(/asked (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(100)
  })

  it('is what the next request on an open connection meets', async () => {
    const kept = lab.startRun(['python3', client, host, '--on-line', '/one'], null)
    kept.child.stdin?.write('ask\n')
    await kept.saw(/^\/one=200$/m)
    lab.rewrite(policy('two'))
    await applies('/two')
    kept.child.stdin?.end('ask\n')
    expect((await kept.finished).stdout).toBe('asking\n/one=200\n/one=403\nconnections 1\n')
  })

  it('lets a request that is under way come to its end, and judges the next one', async () => {
    lab.rewrite(policy('one').replace("http.path == '/one'", "http.path in ['/one', '/endless']"))
    await applies('/one')
    await using running = lab.startRun(['curl', '-sSN', `https://${host}/endless`])
    await running.saw(/begin/)
    lab.rewrite(policy('two'))
    await applies('/two')
    const soFar = running.output().length
    await until('it goes on', () => running.output().length > soFar)
    expect(await status('/endless')).toBe('403')
  })

  it('with errors changes nothing and says so, with the place, in the log', async () => {
    lab.rewrite(policy('one').replace('http.path', 'http.pth'))
    await lab.gateway.saw(/"event":"config\.refused"/)
    expect(lab.gateway.output()).toMatch(/gateway\.hcl:\d+:\d+: error: .*pth/)
    expect([await status('/one'), await status('/two')]).toEqual(['403', '200'])
    lab.rewrite(policy('one'))
    await applies('/one')
  })

  it('that is no HCL at all, or gone for a moment, changes nothing', async () => {
    lab.rewrite('endpoint "https" {{{')
    await until(
      'the second refusal is logged',
      () => (lab.gateway.output().match(/config\.refused/g) ?? []).length >= 2,
    )
    expect([await status('/one'), await status('/two')]).toEqual(['200', '403'])
    lab.rewrite(policy('two'))
    await applies('/two')
  })
})
