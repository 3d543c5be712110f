import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('search paths of PostgreSQL')

const setup = `
  CREATE SCHEMA vault;
  CREATE TABLE vault.keys (a int);
  INSERT INTO vault.keys VALUES (42);
  CREATE TABLE keys (a int);
  INSERT INTO keys VALUES (1);
`

describe.skipIf(programs === null)('a rule that names a table with its schema', () => {
  let server: PostgresServer
  let gateway: Gateway

  beforeAll(async () => {
    if (programs === null) return
    server = await startServer(programs, { setup })
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: server.port,
      rules: [aRule('vault', "sql.tables.exists(t, t.startsWith('vault.'))", 'the vault stays shut')],
    })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    server?.[Symbol.dispose]()
  })

  const target = (more = '') => `host=127.0.0.1 port=${gateway.port} user=postgres dbname=postgres${more}`

  it('holds in a session that leaves the path alone', async () => {
    expect(await psql(target(), 'select a from keys')).toMatchObject({ stdout: '1', code: 0 })
    expect((await psql(target(), 'select a from vault.keys')).stderr).toContain('the vault stays shut')
  })

  it.each([
    [['set search_path = vault', 'select a from keys']],
    [['set search_path = vault; select a from keys']],
    [["select set_config('search_path', 'vault', false)", 'select a from keys']],
    [['prepare p as select a from keys', 'set search_path = vault', 'execute p']],
    [['do $$ begin set search_path = vault; end $$', 'table keys']],
  ])('holds after %s', async (statements) => {
    const { stdout, stderr } = await psql(target(), ...statements)
    expect(stderr).toContain('the vault stays shut')
    expect(stdout).not.toContain('42')
  })

  it.each([
    " options='-c search_path=vault'",
    " options='--search-path=public,vault'",
  ])('holds when the session begins with%s', async (words) => {
    const { stdout, stderr } = await psql(target(words), 'select a from keys')
    expect(stderr).toContain('the vault stays shut')
    expect(stdout).toBe('')
  })

  it('is judged the same from the record', async () => {
    await psql(target(), 'set search_path = vault', 'select a from keys')
    expect(gateway.actions.at(-1)?.described).toContain('"search_path":["vault"]')
  })
})
