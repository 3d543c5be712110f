import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { message } from './backend.fixture.ts'
import { bind, execute, parse, query, RawAgent, sync } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('hazards of PostgreSQL sessions')

const setup = `
  CREATE TABLE t (a int PRIMARY KEY);
  CREATE TABLE never (a int);
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''never''; END';
  CREATE TRIGGER refused BEFORE INSERT ON never EXECUTE FUNCTION refuse();
  CREATE TABLE heap (a text);
`

describe.skipIf(programs === null)('a session through the gateway', () => {
  let server: PostgresServer
  let gateway: Gateway
  let agent: RawAgent

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs, { setup })
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: server.port,
      rules: [
        aRule('set-is-fine', "sql.statement.startsWith('set ')"),
        aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here'),
      ],
    })
    agent = new RawAgent(gateway.port)
    expect(await agent.answers(1)).toBe('ZI')
  })
  afterEach(async () => {
    agent.socket.destroy()
    await gateway.idle()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  it('stays in step where the server ignores a Sync during COPY', async () => {
    agent.send(parse('copy t from stdin'), bind(), execute, sync)
    agent.send(message('d', '1\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(3)).toBe('1 2 G C ZI E42501 ZI T D C ZI')
  })

  it('stays in step where COPY fails before its data, and the Sync sent ahead is answered', async () => {
    agent.send(parse('copy never from stdin'), bind(), execute, sync)
    agent.send(message('d', '1\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(4)).toMatch(/^1 2 G EP0001 ZI ZI E42501 ZI T D C ZI$/)
  })

  it('stays in step where the data of COPY is wrong', async () => {
    agent.send(parse('copy t from stdin'), bind(), execute, sync)
    agent.send(message('d', 'x\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(3)).toBe('1 2 G E22P02 ZI E42501 ZI T D C ZI')
  })

  it('answers a denial at once where the agent waits for it before it syncs', async () => {
    agent.send(query('begin'))
    expect(await agent.answers(1)).toBe('C ZT')
    agent.send(parse('drop table t'), bind(), execute)
    while (!(await agent.answers(0)).includes('E42501')) await once(agent.socket, 'data')
    agent.send(parse('select 1'), sync, query('rollback'))
    expect(await agent.answers(2)).toBe('ZE C ZI')
  })

  it('rolls back what was sent with a denied statement, as the server does', async () => {
    agent.send(query('truncate t'), parse('insert into t values (5)'), bind(), execute, parse('drop table t'), sync)
    expect(await agent.answers(2)).toBe('C ZI 1 2 C E42501 ZI')
    expect(server.sql('select count(*) from t')).toBe('0')
  })

  it('denies a query among messages that were not synced', async () => {
    agent.send(parse('select 1'), bind(), execute, query('drop table t'), query('select 2'))
    expect(await agent.answers(2)).toBe('1 2 D C E42501 ZI T D C ZI')
    agent.send(parse('select 1/0'), bind(), execute, query('drop table t'), query('select 2'), sync, query('select 3'))
    expect(await agent.answers(2)).toBe('1 E22012 ZI T D C ZI')
  })

  it('does not read a text before it is known how the server reads it', async () => {
    const hidden = query("select '\\'; drop table t; --'")
    agent.send(query('set standard_conforming_strings = off'), hidden)
    expect(await agent.answers(2)).toBe('C ZI E42501 ZI')
    agent.send(query('set standard_conforming_strings = on'), query("select '\\'"), query('begin'))
    expect(await agent.answers(3)).toBe('C ZI T D C ZI C ZT')
    agent.send(parse('set local standard_conforming_strings = off'), bind(), execute, parse('select 1'), sync)
    expect(await agent.answers(1)).toBe('1 2 C E42501 ZE')
  })

  it('carries a CopyData of 192 MB in constant memory', async () => {
    agent.send(query('copy heap from stdin'))
    while (!(await agent.answers(0)).includes('G')) await once(agent.socket, 'data')
    const chunk = Buffer.alloc(1 << 20, 'x')
    const head = message('d').subarray(0, 5)
    head.writeInt32BE((192 << 20) + 4, 1)
    const before = process.memoryUsage()
    let most = 0
    const watch = setInterval(() => {
      const { arrayBuffers, external } = process.memoryUsage()
      most = Math.max(most, arrayBuffers + external - before.arrayBuffers - before.external)
    }, 5)
    agent.send(head)
    await agent.pour(chunk, 192)
    agent.send(message('f', 'enough\0'))
    expect(await agent.answers(1)).toBe('E57014 ZI')
    clearInterval(watch)
    expect(most).toBeLessThan(128 << 20)
    expect(gateway.actions[0]?.closing?.bytesUp).toBeGreaterThan(192 << 20)
  }, 30_000)

  it('holds no result for an agent that does not read', async () => {
    agent.socket.pause()
    agent.send(query("select repeat('x', 100000) from generate_series(1, 2000)"))
    const before = process.memoryUsage().arrayBuffers
    // the server is held up once every buffer on the way is full
    const isHeldUp = () => server.sql("select count(*) from pg_stat_activity where wait_event = 'ClientWrite'") === '1'
    while (!isHeldUp()) await new Promise((resolve) => setImmediate(resolve))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
    agent.isForgetful = true
    agent.socket.resume()
    while (agent.bytes < 200_000_000) await once(agent.socket, 'data')
  }, 30_000)

  it('tells an agent that its server was killed', async () => {
    agent.send(query('select pg_sleep(20)'))
    while (server.sql("select count(*) from pg_stat_activity where query like '%pg_sleep(20)%'") !== '2')
      await new Promise((resolve) => setImmediate(resolve))
    server.sql("select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(20)'")
    expect(await agent.answers(1)).toMatch(/E57P01$/)
    expect(gateway.actions[0]?.closing?.status).toMatch(/57P01|error/)
  })

  it('has the server end what runs when the flow is cancelled', async () => {
    agent.send(query('select pg_sleep(20)'))
    const running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(20)' and state = 'active'"
    while (server.sql(running) !== '1') await new Promise((resolve) => setImmediate(resolve))
    gateway.cancel()
    await gateway.idle()
    expect(gateway.dialled).toHaveLength(2)
    while (server.sql(running) !== '0') await new Promise((resolve) => setImmediate(resolve))
    expect(await agent.answers(0)).toMatch(/E57P01$/)
  })

  it('handles what came before the agent closed its side', async () => {
    agent.socket.allowHalfOpen = true
    agent.send(query('select 1'), query('drop table t'), query('select 2'))
    agent.socket.end()
    expect(await agent.answers(3)).toBe('T D C ZI E42501 ZI T D C ZI')
  })
})
