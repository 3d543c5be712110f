import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ClickHouseServer,
  clickHousePassword,
  clickHousePrograms,
  startClickHouse,
} from '../../../../test/support/clickhouse-server.ts'
import { makePki, type Pki } from '../../../upstream/pki.fixture.ts'
import { aCredential, aRule, type Serving } from '../../../upstream/serving.fixture.ts'
import { startGateway } from './gateway.fixture.ts'

const program = clickHousePrograms('ClickHouse over HTTPS against a real server')
const host = 'metrics.example.test'

describe.skipIf(program === null)('clickhouse_https before a real server', () => {
  let pki: Pki
  let server: ClickHouseServer
  let gateway: Serving
  let folder: string

  beforeAll(async () => {
    pki = makePki([host])
    folder = mkdtempSync(join(tmpdir(), 'clawpatrol-chh-'))
    writeFileSync(join(folder, 'cert.pem'), pki.server.chain)
    writeFileSync(join(folder, 'key.pem'), pki.server.key)
    server = await startClickHouse(program ?? '', {
      certificate: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
    })
    server.query('CREATE DATABASE hr')
    server.query('CREATE TABLE hr.salaries (name String, amount UInt32) ENGINE = Memory')
    server.query("INSERT INTO hr.salaries VALUES ('ann', 10), ('bob', 20)")
    server.query('CREATE TABLE events (at UInt32, what String) ENGINE = Memory')
    gateway = await startGateway({
      pki,
      host,
      upstreamPort: server.ports.https,
      credentials: [aCredential('metrics', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { metrics: { '': clickHousePassword } },
      rules: [
        aRule('no-salaries', "'hr.salaries' in sql.tables", 'salaries are private'),
        aRule('no-hr', "sql.database == 'hr'", 'hr is private'),
        aRule('no-drops', "sql.verb == 'drop'", 'nothing is dropped'),
      ],
    })
  }, 40_000)
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    if (folder) rmSync(folder, { recursive: true, force: true })
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    gateway.actions.length = 0
  })

  function curl(path: string, ...args: string[]): Promise<string> {
    const to = ['--connect-to', `::127.0.0.1:${gateway.port}`, '--cacert', pki.caFile, '--max-time', '10']
    return new Promise((resolve, reject) => {
      execFile('curl', ['-sS', ...to, ...args, `https://${host}${path}`], (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(stderr))
      })
    })
  }

  it('answers statements of the URL and of the body, as the user of the credential', async () => {
    expect(await curl('/?query=SELECT+user+FROM+system.processes', '-u', 'someone:else')).toBe('app\n')
    expect(await curl('/?user=x&password=y', '-d', 'SELECT 1 + 1')).toBe('2\n')
    expect(await curl('/?query=SELECT', '-d', '1 + 2')).toBe('3\n')
    expect(await curl('/ping')).toBe('Ok.\n')
    await gateway.settled()
    expect(gateway.actions.map(({ kind, seen, closing }) => [kind, seen.title, closing?.status])).toEqual([
      ['allow', 'SELECT user FROM system.processes', '200'],
      ['allow', 'SELECT 1 + 1', '200'],
      ['allow', 'SELECT 1 + 2', '200'],
      ['allow', `GET https://${host}/ping`, '200'],
    ])
  })

  it('denies as the server would', async () => {
    expect(await curl('/?database=hr', '-i', '-d', 'SELECT * FROM events')).toMatch(
      /^HTTP\/2 403 [\s\S]*x-clickhouse-exception-code: 497[\s\S]*\n\r\nCode: 497\. DB::Exception: clawpatrol denied this statement: hr is private \[decided by no-hr, action [-0-9a-f]+\]\. .* \(ACCESS_DENIED\)\n$/,
    )
  })
})
