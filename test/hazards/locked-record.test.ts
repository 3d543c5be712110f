import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { makeAuthority } from '../support/authority.ts'
import { startLab } from '../support/lab.ts'
import { oneApi } from '../support/one-api.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'locked-token-93d4'

it('P2: a record that another program keeps locked denies after a moment; what was allowed before is recorded then', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-locked-'))
  const authority = makeAuthority(folder, [host])
  await using upstream = await startUpstream(authority, token)
  await using lab = await startLab({
    names: [host],
    secrets: { token },
    policy: () => oneApi({ host, port: upstream.port, caFile: authority.caFile }),
  })
  await using agent = await startAgent(lab)
  let asked = 0
  const ask = async (by: Agent) => {
    asked += 1
    return (await by.sh(`curl -sS --max-time 20 -o /dev/null -w '%{http_code}' https://${host}/${asked}-end`)).stdout
  }
  expect(await ask(agent)).toBe('200')
  const other = new BetterSqlite(join(lab.stateDir, 'clawpatrol.db'))
  other.exec('BEGIN IMMEDIATE')
  await until('requests are denied', async () => (await ask(agent)) === '403')
  expect(await ask(agent)).toBe('403')
  other.exec('ROLLBACK')
  other.close()
  await until('requests are allowed again', async () => (await ask(agent)) === '200')
  const reached = upstream.received.map(({ path }) => path)
  expect(reached.length).toBeGreaterThan(1)
  await until('all that was allowed is on record', async () => {
    const titles = (await lab.records()).map(({ title, decision }) => `${decision} ${title}`)
    return reached.every((path) => titles.includes(`allow GET https://${host}${path}`))
  })
  rmSync(folder, { recursive: true, force: true })
})
