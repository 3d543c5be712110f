import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { message } from './backend.fixture.ts'
import { bind, execute, parse, query, RawAgent, sync } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('portals that SQL fetches from')

const setup = 'CREATE TABLE t (a int); INSERT INTO t VALUES (7), (8)'
const rules = [
  aRule('not-seven', "'t' in sql.tables && '1' in sql.params && sql.params['1'] == '7'", 'seven is off limits'),
]

describe.skipIf(programs === null)('a portal that was bound by message', () => {
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
      rules,
    })
    agent = new RawAgent(gateway.port)
    await agent.answers(1)
    agent.send(query('begin'))
    await agent.answers(1)
  })
  afterEach(async () => {
    agent.socket.destroy()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const change = parse('delete from t where a = $1 returning a', 's')
  const give = (portal: string, value: string) => {
    const length = Buffer.from([0, 0, 0, value.length])
    return message('B', Buffer.concat([Buffer.from(`${portal}\0s\0\0\0\0\x01`), length, Buffer.from(`${value}\0\0`)]))
  }
  const run = (portal: string) => message('E', `${portal}\0\0\0\0\0`)

  it.each([
    ['FETCH', 'fetch all from p'],
    ['MOVE', 'move all from p'],
    ['a function', "select cursor_to_xml('p', 10, true, true, '')"],
    ['DO', "do $$ declare c refcursor := 'p'; r record; begin fetch c into r; end $$"],
  ])('is not run unjudged by %s', async (_what, text) => {
    agent.send(change, give('p', '7'), sync, query(text), query('commit'))
    expect(await agent.answers(3)).toBe('1 2 ZT E42501 ZE C ZI')
    expect(server.sql('select count(*) from t')).toBe('2')
  })

  it('is not run unjudged in the same pipeline', async () => {
    agent.send(change, give('p', '7'), parse('fetch all from p'), bind(), execute, sync, query('commit'))
    expect(await agent.answers(2)).toMatch(/^1 2 (1 2 )?E42501 ZE C ZI$/)
    agent.send(query('begin'), give('', '7'), parse("select cursor_to_xml('', 9, true, true, '')", 'x'))
    agent.send(message('B', 'q\0x\0\0\0\0\0\0\0'), run('q'), sync, query('commit'))
    expect(await agent.answers(3)).toContain('E42501')
    expect(server.sql('select count(*) from t')).toBe('2')
  })

  it('stays unseen where an execution of another of its name was skipped', async () => {
    agent.send(change, give('p', '7'), sync, query('savepoint one'), give('p', '8'), run('p'), sync)
    expect(await agent.answers(3)).toBe('1 2 ZT C ZT E42P03 ZE')
    agent.send(query('rollback to one'), query('fetch all from p'), query('commit'))
    expect(await agent.answers(3)).toBe('C ZT E42501 ZE C ZI')
    expect(server.sql('select count(*) from t')).toBe('2')
  })

  it('does not stand in the way of cursors once it ran, or is gone', async () => {
    agent.send(
      change,
      give('p', '9'),
      run('p'),
      sync,
      query('declare c cursor for select 1'),
      query('fetch all from c'),
    )
    expect(await agent.answers(3)).toBe('1 2 C ZT C ZT T D C ZT')
    agent.send(give('left', '9'), sync, query('rollback'), query('begin'), query('declare c cursor for select 1'))
    expect(await agent.answers(4)).toBe('2 ZT C ZI C ZT C ZT')
    agent.send(query('fetch all from c'))
    expect(await agent.answers(1)).toBe('T D C ZT')
  })
})
