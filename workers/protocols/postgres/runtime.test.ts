import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { query, RawAgent } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('sessions of PostgreSQL')

const rules = [
  aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here'),
  aRule('no-secrets', "'secrets' in sql.tables", 'secrets stay secret'),
]

const setup = `
  CREATE TABLE t (a int PRIMARY KEY, b text);
  CREATE TABLE secrets (a int);
  CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 7';
`

describe.skipIf(programs === null)('a session through the gateway', () => {
  let server: PostgresServer
  let gateway: Gateway

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs, { setup, settings: ['log_statement=all'] })
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    server.sql('TRUNCATE t')
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
    // every action that was begun has ended
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const target = () => `host=127.0.0.1 port=${gateway.port} user=postgres dbname=postgres sslmode=disable`
  const actions = () => gateway.actions.map(({ kind, seen, closing }) => [kind, seen.title, closing?.status])
  const logged = () => readFileSync(join(server.socket, 'log'), 'utf8')

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

  it('judges each statement of psql, and goes on after a denial', async () => {
    const ran = await psql(target(), 'select 1', 'drop table t', "insert into t values (1, 'x'); select b from t")
    expect(ran).toMatchObject({ stdout: '1\nINSERT 0 1\nx', code: 0 })
    expect(ran.stderr).toMatch(
      /^ERROR: {2}clawpatrol denied this statement: nothing is dropped here\nDETAIL: {2}rule "no-drop", action [-0-9a-f]{36}\nHINT/,
    )
    await gateway.idle()
    expect(actions()).toEqual([
      ['allow', 'select 1', 'SELECT 1'],
      ['deny', 'drop table t', 'denied'],
      ['allow', "insert into t values (1, 'x')", 'INSERT 0 1'],
      ['allow', 'select b from t', 'SELECT 1'],
    ])
    expect(gateway.actions[0]?.closing).toMatchObject({ bytesUp: 14, bytesDown: 60 })
    expect(logged()).not.toContain('drop table t')
  })

  it('sends nothing of a message one statement of which is denied', async () => {
    const ran = await psql(target(), "insert into t values (2, 'y'); drop table t; select 3", 'select count(*) from t')
    expect(ran.stdout).toBe('0')
    await gateway.idle()
    expect(actions().slice(0, 2)).toEqual([
      ['allow', "insert into t values (2, 'y')", 'error'],
      ['deny', 'drop table t', 'denied'],
    ])
  })

  it('makes a denial fail the transaction, on the server as for the agent', async () => {
    const ran = await psql(
      target(),
      'begin',
      "insert into t values (3, 'z')",
      'drop table t',
      'select 1',
      'commit',
      'select count(*) from t',
    )
    expect(ran.stdout).toBe('BEGIN\nINSERT 0 1\nROLLBACK\n0')
    expect(ran.stderr).toContain('current transaction is aborted')
    await gateway.idle()
    expect(actions().slice(2, 5)).toEqual([
      ['deny', 'drop table t', 'denied'],
      ['allow', 'select 1', '25P02'],
      ['allow', 'commit', 'ROLLBACK'],
    ])
  })

  it('records how statements fail, and runs the rest of what was sent together not', async () => {
    const ran = await psql(target(), 'select 1; select 1/0; select 2', '')
    expect(ran.stderr).toContain('division by zero')
    await gateway.idle()
    expect(actions()).toEqual([
      ['allow', 'select 1', 'SELECT 1'],
      ['allow', 'select 1/0', '22012'],
      ['allow', 'select 2', 'error'],
    ])
  })

  it('carries COPY both ways', async () => {
    const file = join(server.socket, 'rows')
    writeFileSync(file, Array.from({ length: 5000 }, (_, row) => `${row}\trow ${row}\n`).join(''))
    const ran = await psql(
      target(),
      `\\copy t from '${file}'`,
      'select count(*), sum(a) from t',
      `\\copy t to '${file}.out'`,
      '\\copy secrets to /dev/null',
      `\\copy t from '${file}'`,
      'select 1',
    )
    expect(ran.stdout).toBe('COPY 5000\n5000|12497500\nCOPY 5000\n1')
    expect(ran.stderr).toMatch(/secrets stay secret[\s\S]*duplicate key/)
    expect(readFileSync(`${file}.out`)).toEqual(readFileSync(file))
    await gateway.idle()
    const copied = gateway.actions.filter(({ seen }) => seen.title.includes('COPY'))
    expect(copied.map(({ closing }) => closing?.status)).toEqual(['COPY 5000', 'COPY 5000', 'denied', '23505'])
    expect(copied[0]?.closing?.bytesUp).toBeGreaterThan(60_000)
    expect(copied[1]?.closing?.bytesDown).toBeGreaterThan(60_000)
  })

  it('judges a statement at Parse and at each Execute', async () => {
    await withClient(async (client) => {
      for (const value of [1, 2]) {
        const found = await client.query({ name: 'plus', text: 'select $1::int + 1 as n', values: [value] })
        expect(found.rows).toEqual([{ n: value + 1 }])
      }
      await expect(client.query('select * from secrets where a = $1', [1])).rejects.toMatchObject({
        code: '42501',
        message: 'clawpatrol denied this statement: secrets stay secret',
      })
      expect((await client.query('select 5 as n')).rows).toEqual([{ n: 5 }])
    })
    await gateway.idle()
    expect(actions()).toEqual([
      ['allow', 'select $1::int + 1 as n', 'PARSE'],
      ['allow', 'select $1::int + 1 as n', 'SELECT 1'],
      ['allow', 'select $1::int + 1 as n', 'SELECT 1'],
      ['deny', 'select * from secrets where a = $1', 'denied'],
      ['allow', 'select 5 as n', 'SELECT 1'],
    ])
  })

  it('sees what EXECUTE runs', async () => {
    const ran = await psql(
      target(),
      'prepare p as select a from t',
      'execute p',
      'prepare "Drop it" as delete from t',
      'execute "Drop it"',
      'execute unheard_of',
      'deallocate p',
      'prepare p(int) as insert into t values ($1)',
      'execute p(4)',
    )
    expect(ran.stdout).toBe('PREPARE\n\nPREPARE\nDELETE 0\nDEALLOCATE\nPREPARE\nINSERT 0 1'.replace('\n\n', '\n'))
    await gateway.idle()
    const verbs = gateway.actions.map(({ kind, seen }) => [kind, (seen.facts.sql as { verbs: string[] }).verbs.join()])
    expect(verbs).toEqual([
      ['allow', 'prepare,select'],
      ['allow', 'execute,select'],
      ['allow', 'delete,prepare'],
      ['allow', 'delete,execute'],
      ['deny', ''],
      ['allow', 'deallocate'],
      ['allow', 'insert,prepare'],
      ['allow', 'execute,insert'],
    ])
  })

  it('knows nothing of a text the server reads otherwise', async () => {
    const ran = await psql(`${target()} options=-cstandard_conforming_strings=off`, "select 'a\\'; drop table t; --'")
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toContain('failing closed')
  })

  it('refuses a function called by message, and a name the server would cut off', async () => {
    await withClient(async (client) => {
      await expect(client.query({ name: 'n'.repeat(64), text: 'select 1' })).rejects.toMatchObject({ code: '42622' })
      expect((await client.query('select 6 as n')).rows).toEqual([{ n: 6 }])
    })
  })

  it.each(['simple', 'extended', 'prepared'])('serves pgbench, %s', async (mode) => {
    const script = join(server.socket, 'script')
    writeFileSync(
      script,
      '\\set a random(1, 1000000)\nBEGIN;\nINSERT INTO t VALUES (:a, null) ON CONFLICT DO NOTHING;\nSELECT count(*) FROM t WHERE a = :a;\nEND;\n',
    )
    const ran = await pgbench(gateway, '-M', mode, '-f', script, '-c', '4', '-t', '25')
    expect(ran).toContain('number of transactions actually processed: 100/100')
    await gateway.idle()
    expect(gateway.actions.filter(({ closing }) => closing?.status === 'INSERT 0 1').length).toBeGreaterThan(90)
  })

  it('serves a pipeline of pgbench', async () => {
    const script = join(server.socket, 'script')
    const statements = Array.from({ length: 20 }, (_, number) => `SELECT ${number};\n`).join('')
    writeFileSync(script, `\\startpipeline\n${statements}\\endpipeline\n`)
    const ran = await pgbench(gateway, '-M', 'extended', '-f', script, '-c', '2', '-t', '10')
    expect(ran).toContain('number of transactions actually processed: 20/20')
    await gateway.idle()
    expect(gateway.actions.filter(({ closing }) => closing?.status === 'SELECT 1').length).toBe(400)
  })

  it('keeps a pipeline in step around a denial', async () => {
    await withClient(async (client) => {
      const asked = ['select 1 as n', 'drop table t', 'select * from secrets', 'select 2 as n'].map((text) =>
        client.query(text).then(
          ({ rows }) => rows[0]?.n,
          (error: { code: string }) => error.code,
        ),
      )
      expect(await Promise.all(asked)).toEqual([1, '42501', '42501', 2])
    })
  })

  it('does not hold up the sessions beside it, however much it sends at once', async () => {
    const agents = [new RawAgent(gateway.port), new RawAgent(gateway.port)] as const
    await Promise.all(agents.map((agent) => agent.answers(1)))
    const texts = Array.from({ length: 2000 }, (_, index) => `select ${index}`)
    agents[0].send(...texts.map(query))
    agents[1].send(query('select now()'))
    await Promise.all([agents[0].answers(texts.length), agents[1].answers(1)])
    const at = gateway.actions.findIndex(({ seen }) => seen.title === 'select now()')
    expect(at).toBeLessThan(texts.length / 2)
    for (const agent of agents) agent.socket.end()
    await gateway.idle()
  })

  it('passes a large result', async () => {
    await withClient(async (client) => {
      const found = await client.query("select repeat('x', 1000) as x, g from generate_series(1, 20000) g")
      expect(found.rows.length).toBe(20_000)
      expect(found.rows.at(-1)?.g).toBe(20_000)
    })
    await gateway.idle()
    expect(gateway.actions[0]?.closing?.bytesDown).toBeGreaterThan(20_000_000)
  })

  it('passes what a server says when it ends a session', async () => {
    await withClient(async (client) => {
      const { rows } = await client.query('select pg_backend_pid() as pid')
      const ended = client.query('select pg_sleep(20)').catch((error: { code: string }) => error.code)
      server.sql(`select pg_terminate_backend(${rows[0].pid})`)
      expect(await ended).toBe('57P01')
    })
  })

  it('tells the agent when its flow is cancelled', async () => {
    await withClient(async (client) => {
      const ended = client.query('select pg_sleep(20)').catch((error: { code: string }) => error.code)
      await until(() => gateway.actions.length === 1)
      gateway.cancel()
      expect(await ended).toBe('57P01')
    })
  })
})

/** Resolves when a claim holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs pgbench; what it printed, with its errors. */
function pgbench(gateway: Gateway, ...words: string[]): Promise<string> {
  const to = ['-h', '127.0.0.1', '-p', `${gateway.port}`, '-U', 'postgres', '-n', ...words, 'postgres']
  const env = { PATH: process.env.PATH, PGSSLMODE: 'disable' }
  return new Promise((resolve) => {
    execFile('pgbench', to, { env, timeout: 15_000 }, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}
