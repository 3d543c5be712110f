import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { makeAuthority } from '../support/authority.ts'
import { expectOk } from '../support/device.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { fillState, smallState } from '../support/mounted-state.ts'
import { oneApi } from '../support/one-api.ts'
import { until } from '../support/until.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'disk-token-51a0'

describe('P2: a record that cannot be written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-disk-'))
  let upstream: Upstream
  let lab: Lab
  let agent: Agent

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({
      names: [host],
      surroundings: smallState(4),
      gatewayEnv: { CLAWPATROL_SECRET_TOKEN: token },
      policy: () => oneApi({ host, port: upstream.port, caFile: authority.caFile }),
    })
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Asks many times over one connection, one status a line. */
  const ask = async (path: string, times = 1) => {
    const urls = Array.from({ length: times }, (_, at) => `https://${host}${path}${at}`)
    const done = await agent.run(['curl', '-sS', '--max-time', '20', '-w', '\n%{http_code}\n', ...urls])
    return done.stdout.split('\n').filter((line) => /^\d{3}$/.test(line))
  }
  const sent = (path: string) => upstream.received.filter((request) => request.path.startsWith(path)).length

  it('denies what comes in the meantime, lets nothing pass unrecorded, and goes on when there is space', async () => {
    expect(await ask('/before/')).toEqual(['200'])
    const free = fillState(lab.gateway.child.pid ?? 0, lab.stateDir)
    const during = await ask('/during/', 40)
    expect(during).toHaveLength(40)
    expect(during.at(-1)).toBe('403')
    expect(await ask('/full/', 3)).toEqual(['403', '403', '403'])
    expect(sent('/full/')).toBe(0)
    expect(lab.gateway.child.exitCode).toBeNull()
    expect(lab.gateway.output()).toContain('record.not_writable')
    expect(await lab.run(['true'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('The gateway failed to answer'),
    })
    await lab.gateway.saw(/disk is full.*"event":"onboarding"/)
    free()
    await lab.gateway.saw(/record\.writable/)
    expect(await ask('/after/')).toEqual(['200'])
    const allowed = await until('the record holds the request that came after', async () => {
      const records = await lab.records()
      const titles = records.filter(({ decision }) => decision === 'allow').map(({ title }) => String(title))
      return titles.some((title) => title.includes('/after/')) && titles
    })
    const reached = upstream.received.map(({ path }) => path)
    expect(reached.filter((path) => !allowed.some((title) => title.includes(path)))).toEqual([])
    expectOk(await lab.run(['true']))
  })
})
