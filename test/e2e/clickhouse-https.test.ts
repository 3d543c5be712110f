import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../support/authority.ts'
import {
  type ClickHouseServer,
  clickHousePassword,
  clickHousePrograms,
  startClickHouse,
} from '../support/clickhouse-server.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { pythonWith } from '../support/python-with.ts'
import { until } from '../support/until.ts'

const program = clickHousePrograms('ClickHouse over HTTPS through the gateway')
const python = pythonWith(['clickhouse_connect'], 'clickhouse-connect through the gateway')
const host = 'metrics.example.test'
const script = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))

const policy = (port: number, plain: number, { caFile }: Authority) => `
defaults {
  unknown_host = "deny"
}
endpoint "clickhouse_https" "metrics" {
  hosts    = ["${host}", "${host}:8443"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
endpoint "clickhouse_https" "plain" {
  hosts    = ["plain.example.test"]
  upstream = "127.0.0.1:${plain}"
  tls      = false
}
credential "clickhouse_credential" "metrics-app" {
  endpoints = [clickhouse_https.metrics, clickhouse_https.plain]
  user      = "app"
}
rule "no-salaries" {
  endpoint  = clickhouse_https.metrics
  condition = "'hr.salaries' in sql.tables"
  verdict   = "deny"
  reason    = "salaries are private"
}
rule "no-drops" {
  endpoint  = clickhouse_https.metrics
  condition = "sql.verb == 'drop'"
  verdict   = "deny"
  reason    = "nothing is dropped"
}
rule "short-lists" {
  endpoint    = clickhouse_https.metrics
  condition   = "'system.numbers' in sql.tables"
  verdict     = "allow"
  limit_bytes = 100000
}
profile "default" {
  credentials = [clickhouse_credential.metrics-app]
}
`

describe.skipIf(program === null)("an agent's ClickHouse statements over HTTPS", () => {
  let lab: Lab
  let server: ClickHouseServer
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-e2e-'))

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    server = await startClickHouse(program ?? '', {
      certificate: { cert: authority.certFile, key: authority.keyFile },
    })
    server.query('CREATE DATABASE hr')
    server.query('CREATE TABLE hr.salaries (name String) ENGINE = Memory')
    server.query("INSERT INTO hr.salaries VALUES ('topsecret')")
    lab = await startLab({
      names: [host],
      policy: () => policy(server.ports.https, server.ports.http, authority),
      secrets: { 'metrics-app': clickHousePassword },
    })
  }, 60_000)
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    server.query('DROP TABLE IF EXISTS events')
    server.query('CREATE TABLE events (at UInt32, what String) ENGINE = Memory')
  })

  const run = (words: readonly string[], input = '') => lab.run(['timeout', '60', ...words], { input })

  it('curl, on any port: statements, data and denials, each recorded', async () => {
    const at = (port: number, rest = '') => `https://${host}:${port}/${rest}`
    const insert = `curl -sS --data-binary @- '${at(443, '?query=INSERT+INTO+events+FORMAT+TSV')}'`
    const lines = [
      `curl -sS --data 'SELECT user, 1 + 1 FROM system.processes' ${at(8443)}`,
      `seq 1 100000 | sed 's/$/\\tsomething/' | ${insert}`,
      `curl -sS -G --data-urlencode 'query=SELECT count() FROM events' ${at(443)}`,
      `curl -sS -i --http1.1 '${at(8443, '?query=SELECT+*+FROM+hr.salaries')}'`,
      `curl -sS --data 'SELECT number FROM system.numbers' -o ${folder}/numbers ${at(443)}; echo "code $?"`,
    ]
    const { stdout } = await run(['bash', '-c', lines.join('\n')])
    const [first, count, status, ...rest] = stdout.split(/\r?\n/)
    expect([first, count, status]).toEqual(['app\t2', '100000', 'HTTP/1.1 403 Forbidden'])
    expect(rest.join('\n')).toMatch(
      /X-ClickHouse-Exception-Code: 497\n[\s\S]*\n\nCode: 497\. DB::Exception: clawpatrol denied this statement: salaries are private \[decided by no-salaries, action [-0-9a-f]{36}\]/,
    )
    // broken off: 92 a stream of HTTP/2, 18 and 56 a connection
    expect(rest.at(-2)).toMatch(/^code (92|18|56)$/)
    const records = await lab.records('--endpoint', 'metrics')
    expect(records.map(({ title, decision, rule, status }) => [title, decision, rule ?? null, status])).toEqual([
      ['SELECT user, 1 + 1 FROM system.processes', 'allow', null, '200'],
      ['INSERT INTO events FORMAT TSV', 'allow', null, '200'],
      ['SELECT count() FROM events', 'allow', null, '200'],
      ['SELECT * FROM hr.salaries', 'deny', 'no-salaries', 'denied'],
      ['SELECT number FROM system.numbers', 'allow', 'short-lists', '200'],
    ])
    expect(records.at(-1)).toMatchObject({ error: 'the result is longer than the 100000 bytes the rule allows' })
  })

  it('curl without TLS, where the endpoint says so', async () => {
    const done = await run(['curl', '-sS', '--data', 'SELECT 40 + 2', 'http://plain.example.test:8123/'])
    expect(done).toMatchObject({ code: 0, stdout: '42\n', stderr: '' })
    const other = await run([
      'curl',
      '-sS',
      '-H',
      'Host: metrics.example.test',
      'http://plain.example.test:8123/?query=SELECT+1',
    ])
    expect(other.stdout).toContain('the request names another host')
  })

  it('@clickhouse/client: compressed both ways, inserts, denials, what comes after', async () => {
    const done = await run([
      process.execPath,
      '--no-deprecation',
      script('clickhouse_client.mjs'),
      `https://${host}:8443`,
    ])
    const denied = '{"code":"497","type":"ACCESS_DENIED","isOurs":true}'
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.split('\n')).toEqual([
      'rows [{"n":"0"},{"n":"1"},{"n":"2"}]',
      'inserted [{"n":20000}]',
      `denied ${denied}`,
      `denied command ${denied}`,
      `denied insert ${denied}`,
      'failed {"isOurs":false}',
      'after [{"n":1}]',
      '',
    ])
    expect(server.query('SELECT count() FROM hr.salaries')).toBe('1\n')
  })

  it.skipIf(python === null)('clickhouse-connect: a session, inserts, denials, what comes after', async () => {
    const words = [python ?? '', script('clickhouse_connect_session.py'), host, '443']
    const done = await run(words)
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.split('\n')).toEqual([
      'rows [(0,), (1,), (2,)]',
      'inserted [(20000,)]',
      'denied True True',
      'denied command True True',
      'after 1',
      '',
    ])
  })

  it('a server killed in the middle of a statement ends it, for the agent and in the record', async () => {
    const waiting = run(['curl', '-sS', '-w', '%{http_code}', '--data', 'SELECT sleep(3)', `https://${host}/`])
    await until('the statement runs', () => server.query('SHOW PROCESSLIST').includes('SELECT sleep(3)'))
    process.kill(server.pid, 'SIGKILL')
    expect((await waiting).stdout).toMatch(/^Code: 210\. DB::Exception: .* \(NETWORK_ERROR\)\n502$/)
    const record = (await lab.records('--endpoint', 'metrics')).at(-1)
    expect(record).toMatchObject({ title: 'SELECT sleep(3)', decision: 'allow', status: 'error' })
  })
})
