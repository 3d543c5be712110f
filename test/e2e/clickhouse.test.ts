import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClickHouseLab, type ClickHousePlace, startClickHouseLab } from '../support/clickhouse-lab.ts'
import { clickHousePassword, clickHousePrograms } from '../support/clickhouse-server.ts'
import { goProgram } from '../support/go-program.ts'
import { pythonWith } from '../support/python-with.ts'

const program = clickHousePrograms('ClickHouse through the gateway')
const driver = pythonWith(['clickhouse_driver'], 'clickhouse-driver through the gateway')
const codings = ['clickhouse_cityhash', 'lz4', 'zstd']
const coding = pythonWith(['clickhouse_driver', ...codings], 'clickhouse-driver, compressed, through the gateway')
const drivers = [
  ['none', driver],
  ['lz4', coding],
  ['zstd', coding],
].flatMap(([method, python]) => (python ? [[method, python] as const] : []))
const script = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))
const clickhouseGo = goProgram(script('clickhouse_go'), 'clickhouse-go through the gateway')
const host = 'metrics.example.test'

const policy = ({ caFile }: ClickHousePlace) => `
defaults {
  unknown_host = "deny"
}
endpoint "clickhouse_native" "metrics" {
  hosts = ["${host}"]
}
endpoint "clickhouse_native" "safe" {
  hosts   = ["${host}"]
  tls     = true
  ca_cert = "<<file:${caFile}>>"
}
credential "clickhouse_credential" "app" {
  endpoints = [clickhouse_native.metrics, clickhouse_native.safe]
  user      = "app"
}
rule "no-drop" {
  endpoints = [clickhouse_native.metrics, clickhouse_native.safe]
  condition = "sql.verb == 'drop'"
  verdict   = "deny"
  reason    = "nothing is dropped here"
}
rule "no-secrets" {
  endpoints = [clickhouse_native.metrics, clickhouse_native.safe]
  condition = "'secrets' in sql.tables"
  verdict   = "deny"
  reason    = "secrets stay secret"
}
rule "one-thread" {
  endpoint  = clickhouse_native.safe
  condition = "!('max_threads' in sql.settings) || sql.settings['max_threads'] != '1'"
  verdict   = "deny"
  reason    = "one thread only"
}
profile "default" {
  credentials = [clickhouse_credential.app]
}
`

const tables = `
CREATE TABLE numbers (id UInt32, text String) ENGINE = Memory;
CREATE TABLE secrets (id UInt32) ENGINE = Memory;
`

describe.skipIf(program === null)("an agent's ClickHouse traffic through the gateway", () => {
  let clickhouse: ClickHouseLab

  beforeAll(async () => {
    clickhouse = await startClickHouseLab(program ?? '', policy)
    for (const statement of tables.trim().split('\n')) clickhouse.server.query(statement)
  }, 60_000)

  afterAll(async () => {
    await clickhouse?.[Symbol.asyncDispose]()
    clickhouseGo?.[Symbol.dispose]()
  })

  const run = (words: readonly string[], input = '') => clickhouse.lab.run(['timeout', '60', ...words], { input })
  const client = (input: string, ...words: readonly string[]) =>
    run(['clickhouse-client', '--host', host, '--multiquery', '--ignore-error', ...words], input)

  it('clickhouse-client: by name, with the user of the gateway and no password', async () => {
    const done = await client("select 'hello';\ndrop table numbers;\nselect currentDatabase(), 'after'")
    expect(done.stdout).toBe('hello\ndefault\tafter\n')
    expect(done.stderr).toMatch(/Code: 497.*nothing is dropped here \(rule "no-drop", action [-0-9a-f]{36}\)/)
    const records = await clickhouse.lab.records('--endpoint', 'metrics')
    expect(records.slice(-3)).toMatchObject([
      { decision: 'allow', credential: 'app', device: 'lab', title: "select 'hello'", status: 'SELECT 1' },
      { decision: 'deny', title: 'drop table numbers', status: 'denied' },
      { decision: 'allow', title: "select currentDatabase(), 'after'", status: 'SELECT 1' },
    ])
    expect(JSON.stringify(records)).not.toContain(clickHousePassword)
  })

  it('clickhouse-client: a result of more columns than the record names', async () => {
    const columns = Array.from({ length: 100 }, (_, index) => `${index} as c${index}`)
    const done = await client(`select ${columns.join(', ')};\nselect 'still here'`)
    expect(done.stdout).toMatch(/^0\t1\t.*\t99\nstill here\n$/)
    const [wide, after] = (await clickhouse.lab.records('--endpoint', 'metrics')).slice(-2)
    expect(wide).toMatchObject({ status: 'SELECT 1', facts: { rows: 1, result_columns: { length: 64 } } })
    expect(after).toMatchObject({ title: "select 'still here'", status: 'SELECT 1' })
  })

  it('clickhouse-client: with TLS on both sides, settings as facts', async () => {
    const secure = ['--port', '9440', '--secure']
    const done = await client("select 'safe'", ...secure, '--max_threads', '1')
    expect(done).toMatchObject({ stdout: 'safe\n', stderr: '' })
    const denied = await client('select 1', ...secure, '--max_threads', '2')
    expect(denied.stderr).toContain('one thread only')
  })

  it.each(drivers)('clickhouse-driver: all it does, compressed by %s', async (method, python) => {
    const done = await run([python, script('clickhouse_driver_session.py'), host, method ?? ''])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.split('\n')).toEqual([
      "select [(1, 'two')]",
      'substituted [(42,)]',
      'insert 1000',
      'denied insert code 497',
      'denied code 497',
      'external [(3,)]',
      'denied external code 497',
      'wrong code 47',
      'read 1000',
      'progress [(1000,)]',
      'again [(3,)]',
      '',
    ])
    expect(clickhouse.server.query('select count() from secrets')).toBe('0\n')
    clickhouse.server.query('TRUNCATE TABLE numbers')
  })

  it.skipIf(clickhouseGo === null).each(['none', 'lz4', 'zstd'])('clickhouse-go: compressed by %s', async (method) => {
    clickhouse.server.query('CREATE TABLE events (id UInt32, text String) ENGINE = Memory')
    const done = await run([clickhouseGo?.path ?? '', `${host}:9000`, method])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.split('\n')).toEqual([
      'ping <nil>',
      'select 42',
      'denied 497',
      'after 7',
      'batch <nil>',
      'denied batch 497',
      'rows 100000',
      'read 100000 <nil>',
      'cancelled true',
      'last 9',
      '',
    ])
    clickhouse.server.query('DROP TABLE events')
  })
})
