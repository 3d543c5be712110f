import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Rule } from '../../contract/profile.ts'
import type { ResultLimits } from '../../contract/verdict.ts'
import { message } from './backend.fixture.ts'
import { bind, execute, parse, query, RawAgent, sync } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('limits of results')

const limited = (name: string, when: string | null, limits: ResultLimits): Rule => ({
  ...aRule(name, when),
  outcome: { do: 'allow', limits },
})
const rules = [
  limited('few-bytes', "'pg_proc' in sql.tables", { bytes: 10_000 }),
  limited('few', "!sql.statement.contains('unlimited')", { rows: 100 }),
]
const setup = `
  CREATE TABLE t (a int);
  INSERT INTO t SELECT generate_series(1, 1000);
  CREATE TABLE kept (a int);
`
const many = 'select generate_series(1, 10000000)'
const ended = 'clawpatrol ended this statement: it gives more than 100 rows'

describe.skipIf(programs === null)('a statement that gives more than its rule lets it', () => {
  let server: PostgresServer
  let gateway: Gateway

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs, { setup })
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    server.sql('TRUNCATE kept')
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: server.port,
      rules,
    })
  })
  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const target = () => `host=127.0.0.1 port=${gateway.port} user=postgres dbname=postgres sslmode=disable`
  const lines = (text: string) => text.split('\n').length
  const statuses = () => gateway.actions.map(({ closing }) => closing?.status)

  async function withClient<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres' })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.end()
    }
  }

  it('is ended after the rows it may give; the session goes on', async () => {
    const ran = await psql(target(), '\\set FETCH_COUNT 0', many, 'select 7')
    expect(ran.stderr).toMatch(
      /^ERROR: {2}clawpatrol ended this statement: it gives more than 100 rows\nDETAIL: {2}limit_rows of rule "few", action [-0-9a-f]{36}\nHINT: {2}Ask for less/,
    )
    expect(ran.stdout).toBe('7')
    await gateway.idle()
    expect(gateway.actions[0]?.closing).toMatchObject({
      status: '54000',
      error: 'ended by clawpatrol: it gave more rows than the rule allows',
      result: { columns: ['generate_series'], rows: 100 },
    })
    expect(
      server.sql("select count(*) from pg_stat_activity where query like 'select generate%' and state = 'active'"),
    ).toBe('0')
  })

  it('gives every row it may when it gives no more', async () => {
    const ran = await psql(target(), 'select * from t limit 100', 'copy (select * from t limit 100) to stdout')
    expect(ran).toMatchObject({ stderr: '', code: 0 })
    expect(lines(ran.stdout)).toBe(200)
    const binary = await psql(target(), 'copy (select * from t limit 100) to stdout (format binary)')
    expect(binary).toMatchObject({ stderr: '', code: 0 })
  })

  it.each([
    ['COPY', `copy (${many}) to stdout`],
    ['COPY in binary form', `copy (${many}) to stdout (format binary)`],
    ['EXECUTE', 'prepare p as select a from t; execute p'],
    ['a cursor', `begin; declare c cursor for ${many}; fetch 101 from c`],
    ['what is left in its buffers', 'select * from t limit 101'],
  ])('is ended as %s', async (_what, text) => {
    const ran = await psql(target(), text, 'rollback', 'select 7')
    expect(ran.stderr).toContain(ended)
    expect(ran.stdout).toMatch(/7$/)
  })

  it('is ended by its bytes', async () => {
    const ran = await psql(target(), 'select * from pg_proc', 'select 7')
    expect(ran.stderr).toMatch(/it gives more than 10000 bytes of rows\nDETAIL: {2}limit_bytes of rule "few-bytes"/)
    expect(ran.stdout).toBe('7')
    await gateway.idle()
    expect(gateway.actions[0]?.closing?.bytesDown).toBeLessThanOrEqual(10_000)
  })

  it('fails the transaction it is in', async () => {
    const ran = await psql(
      target(),
      'begin',
      'insert into kept values (1)',
      'select * from t limit 101',
      'select 1',
      'commit',
      'select count(*) from kept',
    )
    expect(ran.stderr).toMatch(/gives more than 100 rows[\s\S]*current transaction is aborted/)
    expect(ran.stdout).toBe('BEGIN\nINSERT 0 1\nROLLBACK\n0')
  })

  it('says so where it was done already', async () => {
    const ran = await psql(target(), 'insert into kept select a from t limit 150 returning a')
    expect(ran.stderr).toContain(ended)
    expect(ran.stderr).toContain('It had run to its end before it could be stopped: what it changed stays.')
    expect(server.sql('select count(*) from kept')).toBe('150')
  })

  it('changes nothing where it can still be undone', async () => {
    await withClient(async (client) => {
      const asked = client.query({ text: 'insert into kept select a from t limit $1 returning a', values: [150] })
      await expect(asked).rejects.toThrow(ended)
      expect((await client.query('select count(*) from kept')).rows).toEqual([{ count: '0' }])
    })
  })

  it('ends the session where others of its message may have run', async () => {
    const ran = await psql(target(), 'select * from t limit 101; select 1', 'select 2')
    expect(ran.stderr).toMatch(/^FATAL: {2}clawpatrol ended this statement[\s\S]*Send it by itself/)
    const first = await psql(target(), `${many}; select 1`, 'select 2')
    expect(first.stderr).toMatch(/^(ERROR|FATAL): {2}clawpatrol ended this statement/)
    const last = await psql(target(), `select 1; ${many}`, 'select 2')
    expect(last.stderr).toMatch(/^ERROR: {2}clawpatrol ended this statement/)
    expect(last.stdout).toMatch(/2$/)
  })

  it('is counted over all executions of a portal', async () => {
    const agent = new RawAgent(gateway.port)
    await agent.answers(1)
    const some = message('E', Buffer.concat([Buffer.from('\0'), Buffer.from([0, 0, 0, 60])]))
    agent.send(query('begin'))
    await agent.answers(1)
    agent.send(parse('select a from t'), bind(), some, some, sync)
    const rows = (count: number) => Array(count).fill('D').join(' ')
    expect(await agent.answers(1)).toBe(`1 2 ${rows(60)} s ${rows(40)} E54000 ZE`)
    agent.send(query('rollback'), query('select 7'))
    expect(await agent.answers(2)).toBe('C ZI T D C ZI')
    agent.socket.destroy()
  })

  it('is never the one that is hit, however much is sent with it', async () => {
    const agent = new RawAgent(gateway.port)
    await agent.answers(1)
    const rows = Array(100).fill('D').join(' ')
    for (const text of ['select a from t', many, 'select a from t limit 101']) {
      agent.send(
        parse(text),
        bind(),
        execute,
        sync,
        parse('select pg_sleep(0.02)'),
        bind(),
        execute,
        sync,
        query('select 7'),
      )
      expect([text, await agent.answers(3)]).toEqual([text, `1 2 ${rows} E54000 ZI 1 2 D C ZI T D C ZI`])
    }
    agent.socket.destroy()
    await gateway.idle()
    expect(statuses().filter((status) => status === '54000')).toHaveLength(3)
  })

  it('is never the one that is hit when data of a COPY came before it', async () => {
    const agent = new RawAgent(gateway.port)
    await agent.answers(1)
    agent.send(query('begin; copy kept from stdin; select a from t limit 101'), message('d', '1\n'), message('c'))
    agent.send(query('select 7'), query('rollback'))
    const rows = Array(100).fill('D').join(' ')
    expect(await agent.answers(3)).toBe(`C G C T ${rows} E54000 ZE E25P02 ZE C ZI`)
    agent.socket.destroy()
  })

  it('is given whole by a rule without limits', async () => {
    await withClient(async (client) => {
      expect((await client.query('select a as unlimited from t')).rowCount).toBe(1000)
      const columns = gateway.actions.at(-1)?.closing?.result
      expect(columns).toEqual({ columns: ['unlimited'], rows: 1000 })
      await client.query({ name: 'q', text: 'select a as unlimited, $1::int as b from t', values: [1] })
      await client.query({ name: 'q', text: 'select a as unlimited, $1::int as b from t', values: [2] })
    })
    await gateway.idle()
    expect(gateway.actions.at(-1)?.closing?.result).toEqual({ columns: ['unlimited', 'b'], rows: 1000 })
  })
})
