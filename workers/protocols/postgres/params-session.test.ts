import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Rule } from '../../contract/profile.ts'
import { message } from './backend.fixture.ts'
import { execute, RawAgent, sync } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('parameters of statements through the gateway')

const setup = `
  CREATE TABLE t (a int PRIMARY KEY, b text);
  INSERT INTO t VALUES (1, 'one'), (2, 'two');
  CREATE TYPE mood AS ENUM ('calm', 'cross');
`
const only: readonly Rule[] = [
  aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here'),
  aRule('not-two', "'1' in sql.params && sql.params['1'] == '2'", 'two is off limits'),
]

describe.skipIf(programs === null)('parameters', () => {
  let server: PostgresServer
  let gateway: Gateway

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs, { setup })
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    gateway = await gatewayWith({})
  })
  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const gatewayWith = (settings: { readonly record_params?: boolean }, rules = only) =>
    startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable', ...settings },
      serverPort: server.port,
      rules,
    })
  const target = () => `host=127.0.0.1 port=${gateway.port} user=postgres dbname=postgres sslmode=disable`
  const decided = () =>
    gateway.actions.map(({ kind, ruling, closing }) => [
      kind,
      ruling.decider.by === 'rule'
        ? ruling.decider.rule
        : ruling.decider.by === 'default'
          ? ruling.decider.setting
          : '',
      closing?.status,
    ])

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
  const ask = (client: pg.Client, value: unknown, more: object = {}) =>
    client.query({ text: 'select b from t where a = $1', values: [value], ...more }).then(
      ({ rows }) => rows.map(({ b }) => b),
      (error: Error) => error.message,
    )

  it('decide when a statement runs, not when it is prepared; the session goes on', async () => {
    await withClient(async (client) => {
      const denied = 'clawpatrol denied this statement: two is off limits'
      expect(await ask(client, 1)).toEqual(['one'])
      expect(await ask(client, 2)).toBe(denied)
      expect(await ask(client, 1, { name: 'plan' })).toEqual(['one'])
      expect(await ask(client, 2, { name: 'plan' })).toBe(denied)
      expect(await ask(client, null, { name: 'plan' })).toEqual([])
    })
    await gateway.idle()
    expect(decided()).toEqual([
      ['allow', 'pending', 'PARSE'],
      ['allow', 'no_rule', 'SELECT 1'],
      ['allow', 'pending', 'PARSE'],
      ['deny', 'not-two', 'denied'],
      ['allow', 'pending', 'PARSE'],
      ['allow', 'no_rule', 'SELECT 1'],
      ['deny', 'not-two', 'denied'],
      ['allow', 'no_rule', 'SELECT 0'],
    ])
  })

  it('do not keep what other rules deny from being denied at once', async () => {
    await withClient(async (client) => {
      const dropping = client.query({ text: 'drop table t; select $1', values: [1] })
      await expect(dropping).rejects.toThrow('nothing is dropped here')
    })
    await gateway.idle()
    expect(decided()).toEqual([['deny', 'no-drop', 'denied']])
  })

  it('are those of EXECUTE where a statement is prepared by SQL', async () => {
    const ran = await psql(
      target(),
      'prepare plan (int) as select b from t where a = $1',
      'execute plan (1)',
      'execute plan (2)',
      'execute plan (1 + 1)',
    )
    expect(ran.stdout).toBe('PREPARE\none')
    expect(ran.stderr).toMatch(/two is off limits[\s\S]*rule "not-two" could not be evaluated/)
  })

  it('in binary form are known by the types the agent gives, or the server when it is asked', async () => {
    const agent = new RawAgent(gateway.port)
    await agent.answers(1)
    const text = 'select a from t where a = $1'
    const binary = (value: number) =>
      message('B', Buffer.from([0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 0, 0, 0, value, 0, 0]))
    const untyped = message('P', `\0${text}\0\0\0`)
    const typed = message('P', Buffer.concat([Buffer.from(`\0${text}\0\0\x01`), Buffer.from([0, 0, 0, 23])]))
    const describe = message('D', 'S\0')
    agent.send(untyped, describe, sync)
    expect(await agent.answers(1)).toBe('1 t T ZI')
    agent.send(binary(1), execute, sync, binary(2), execute, sync)
    expect(await agent.answers(2)).toBe('2 D C ZI 2 E42501 ZI')
    agent.send(typed, binary(1), execute, binary(2), execute, binary(1), execute, sync)
    expect(await agent.answers(1)).toBe('1 2 D C 2 E42501 ZI')
    // nobody knows a type here: neither does the rule
    agent.send(untyped, binary(1), execute, sync)
    expect(await agent.answers(1)).toBe('1 2 E42501 ZI')
    agent.socket.destroy()
    await gateway.idle()
    expect(gateway.actions.at(-1)?.seen.unknowns).toEqual([{ path: 'sql.params', because: 'undecodable' }])
  })

  it('that are very long go on where no rule reads them', async () => {
    const asked = (client: pg.Client) =>
      client.query({ text: 'select length($1::text) as long', values: ['x'.repeat(3 << 20)] })
    await withClient(async (client) => {
      await expect(asked(client)).rejects.toThrow('(truncated at the inspection buffer)')
    })
    await gateway[Symbol.asyncDispose]()
    gateway = await gatewayWith({}, [])
    await withClient(async (client) => {
      expect((await asked(client)).rows).toEqual([{ long: 3 << 20 }])
    })
  })

  it('that nobody can read deny only where a rule reads them', async () => {
    await withClient(async (client) => {
      const asked = client.query({ text: 'select $1::mood', values: ['calm'] })
      expect((await asked).rows).toEqual([{ mood: 'calm' }])
      // a Buffer is sent in binary form, and node-postgres gives no type
      const unread = client.query({ text: 'select $1::bytea', values: [Buffer.from([1])] })
      await expect(unread).rejects.toThrow('rule "not-two" could not be evaluated against this request (unparseable)')
    })
  })

  it('are recorded by number, and by value where the policy says so', async () => {
    const recorded = () => gateway.actions.slice(1, 2).map(({ seen }) => [seen.record, seen.described?.().sql])
    const statement = 'select b from t where a = $1 and b is distinct from $2 and $3 <> $4'
    const values = [1, null, 'Bearer s3cret', '']
    await withClient((client) => client.query({ text: statement, values }))
    const facts = { verb: 'select', tables: ['t'], database: 'postgres', user: 'postgres' }
    const told = { ...facts, param_count: 4, null_params: ['2'] }
    expect(recorded()).toEqual([[told, { statement, database: 'postgres', params: { 1: '***', 3: '***', 4: '***' } }]])
    await gateway[Symbol.asyncDispose]()
    gateway = await gatewayWith({ record_params: true })
    await withClient((client) => client.query({ text: statement, values }))
    const params = { 1: '1', 3: '***', 4: '' }
    expect(recorded()).toEqual([
      [
        { ...told, params },
        { statement, database: 'postgres', params },
      ],
    ])
    gateway.actions.length = 0
    const login = 'select $1 = (select password from (values ($2)) as users (password))'
    await withClient((client) => client.query({ text: login, values: ['hunter2', 'x'] }))
    expect(JSON.stringify(recorded())).not.toContain('hunter2')
  })
})
