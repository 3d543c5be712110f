import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ClickHouseServer,
  clickHousePassword,
  clickHousePrograms,
  startClickHouse,
} from '../../../../test/support/clickhouse-server.ts'
import { aCredential, aRule, type Serving } from '../../../upstream/serving.fixture.ts'
import { clickHouseClient, startGateway } from './gateway.fixture.ts'

const program = clickHousePrograms('sessions of ClickHouse')

const rules = [
  aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here'),
  aRule('no-secrets', "'secrets' in sql.tables", 'secrets stay secret'),
]

describe.skipIf(program === null)('a session of a real server through the gateway', () => {
  let server: ClickHouseServer
  let gateway: Serving

  beforeAll(async () => {
    server = await startClickHouse(program ?? '')
    server.query('CREATE TABLE t (a UInt32, b String) ENGINE = Memory')
  })
  afterAll(() => server?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    gateway = await startGateway({
      serverPort: server.ports.native,
      rules,
      credentials: [aCredential('app', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { app: { '': clickHousePassword } },
    })
  })
  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    // every action that was begun has ended
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const actions = () => gateway.actions.map(({ kind, seen, closing }) => [kind, seen.title, closing?.status])

  it('judges each statement, and goes on after a denial', async () => {
    const ran = await clickHouseClient(
      gateway.port,
      "select 1;\ndrop table t;\ninsert into t values (1, 'x');\nselect b from t;\nselect count() from system.secrets;\nselect 2",
    )
    expect(ran.stdout).toBe('1\nx\n2')
    expect(ran.stderr).toMatch(
      /Code: 497.*clawpatrol denied this statement: nothing is dropped here \(rule "no-drop", action [-0-9a-f]{36}\)\. The session can be used further.*\(ACCESS_DENIED\)/,
    )
    expect(ran.stderr).not.toContain(clickHousePassword)
    await gateway.idle()
    expect(actions()).toEqual([
      ['allow', 'select 1', 'SELECT 1'],
      ['deny', 'drop table t', 'denied'],
      ['allow', "insert into t values (1, 'x')", 'INSERT 1'],
      ['allow', 'select b from t', 'SELECT 1'],
      ['allow', 'select count() from system.secrets', '60'],
      ['allow', 'select 2', 'SELECT 1'],
    ])
    expect(gateway.actions[3]?.closing?.result).toEqual({ columns: ['b'], rows: 1 })
    expect(gateway.refused).toEqual([])
    expect(server.query('select count() from t')).toBe('1\n')
  })

  it('keeps step when inserts are denied, whatever blocks follow', async () => {
    server.query('CREATE TABLE secrets (a UInt32) ENGINE = Memory')
    const rows = Array.from({ length: 5000 }, (_, index) => `(${index})`).join(',')
    const ran = await clickHouseClient(
      gateway.port,
      `insert into secrets values ${rows};\nselect 'after';\ninsert into secrets values (1);\nselect 'again'`,
    )
    expect(ran.stdout).toBe('after\nagain')
    expect(ran.stderr.match(/secrets stay secret/g)).toHaveLength(2)
    expect(server.query('select count() from secrets')).toBe('0\n')
    server.query('DROP TABLE secrets')
  })

  it('knows the database after USE, and the settings beside the text', async () => {
    server.query('CREATE DATABASE IF NOT EXISTS other')
    await clickHouseClient(
      gateway.port,
      'select 1; use other; select 2; use nowhere; select 3',
      '--database',
      'default',
      '--max_threads',
      '3',
    )
    await gateway.idle()
    const facts = gateway.actions.map(({ seen }) => seen.facts.sql as { database: string; settings: object })
    expect(facts.map(({ database }) => database)).toEqual(['default', 'default', 'other', 'other', 'other'])
    expect(facts[0]?.settings).toMatchObject({ max_threads: '3' })
    expect(gateway.actions.map(({ closing }) => closing?.status)).toEqual([
      'SELECT 1',
      'USE',
      'SELECT 1',
      '81',
      'SELECT 1',
    ])
  })

  it('learns which database a session has that named none', async () => {
    const ran = await clickHouseClient(
      gateway.port,
      "select b from t where b = 'none';\nuse system;\nselect 1 from one",
    )
    expect(ran).toMatchObject({ stdout: '1', stderr: '' })
    await gateway.idle()
    const facts = gateway.actions.map(({ seen }) => seen.facts.sql as { database: string; tables: readonly string[] })
    expect(facts.map(({ database, tables }) => [database, tables])).toEqual([
      ['default', ['default.t', 't']],
      ['default', []],
      ['system', ['one', 'system.one']],
    ])
  })

  it('passes compressed blocks, large results and external tables', async () => {
    const external = ['--external', '--file=-', '--name=mine', '--structure=n UInt32']
    const ran = await clickHouseClient(gateway.port, '1\n2\n3\n', '--query', 'select sum(n) from mine', ...external)
    expect(ran).toMatchObject({ stdout: '6', stderr: '' })
    for (const compression of ['0', '1']) {
      const sum = await clickHouseClient(
        gateway.port,
        "select number, toString(number), [number], (number, 'x') from system.numbers limit 200000",
        '--compression',
        compression,
      )
      expect(sum.stderr).toBe('')
      expect(sum.stdout.split('\n')).toHaveLength(200_000)
    }
    await gateway.idle()
    expect(actions().map(([, , status]) => status)).toEqual(['SELECT 1', 'SELECT 200000', 'SELECT 200000'])
  })

  it('logs in with the credential, whatever the agent says of itself', async () => {
    const ran = await clickHouseClient(
      gateway.port,
      'select user from system.processes',
      '--user',
      'nobody',
      '--password',
      'x',
    )
    expect(ran.stdout).toBe('app')
    const own = await startGateway({ serverPort: server.ports.native })
    const direct = await clickHouseClient(own.port, 'select 1', '--user', 'app', '--password', clickHousePassword)
    expect(direct.stdout).toBe('1')
    const wrong = await clickHouseClient(own.port, 'select 1', '--user', 'app', '--password', 'wrong-password')
    expect(wrong.stderr).toMatch(/Wrong password for user app/)
    await own[Symbol.asyncDispose]()
    expect(own.refused).toEqual([
      { title: 'session of app on ', reason: expect.stringMatching(/^the server refused the session: .*\(193\)$/) },
    ])
  })

  it('ends a statement whose result breaks a limit, and goes on', async () => {
    const limits = { rows: 100_000 }
    const limited = await startGateway({
      serverPort: server.ports.native,
      rules: [{ ...aRule('few', null), outcome: { do: 'allow', limits } }],
      credentials: [aCredential('app', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { app: { '': clickHousePassword } },
    })
    const ran = await clickHouseClient(
      limited.port,
      "select number from system.numbers limit 100000000; select 'after'; select number from system.numbers limit 10",
    )
    await limited[Symbol.asyncDispose]()
    const lines = ran.stdout.split('\n')
    expect(ran.stderr).toMatch(/Code: 396.*the result is over limit_rows = 100000 of rule "few"/)
    expect(lines.at(-11)).toBe('after')
    expect(lines.length - 11).toBeLessThanOrEqual(100_000)
    expect(limited.actions.map(({ closing }) => closing?.status)).toEqual(['error', 'SELECT 1', 'SELECT 10'])
    expect(limited.actions[0]?.closing?.error).toMatch(/limit_rows/)
  })
})
