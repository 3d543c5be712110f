import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresPrograms } from '../../workers/protocols/postgres/server.fixture.ts'
import { psql } from '../../workers/protocols/postgres/session.fixture.ts'
import { type PostgresGateway, startPostgresGateway } from '../support/postgres-gateway.ts'

const programs = postgresPrograms('a policy for PostgreSQL, from its text to the server')

const policy = `
endpoint "postgres" "orders" {
  host    = "db.test:5432"
  sslmode = "verify-full"
  ca_cert = "<<file:ca.pem>>"
}
credential "postgres_credential" "reader" {
  endpoint = postgres.orders
  user     = "agent_ro"
}
credential "postgres_credential" "writer" {
  endpoint = postgres.orders
  user     = "agent_rw"
}
rule "reader-is-reader" {
  endpoint   = postgres.orders
  credential = postgres_credential.reader
  priority   = 200
  condition  = "!(sql.verb in ['select', 'show'])"
  verdict    = "deny"
  reason     = "agent_ro is limited to queries"
}
rule "known" {
  endpoint  = postgres.orders
  condition = "sql.verb in ['select', 'show', 'insert', 'set']"
  verdict   = "allow"
}
rule "rest" {
  endpoint = postgres.orders
  priority = -100
  verdict  = "deny"
  reason   = "statement kind is not permitted"
}
profile "oncall" {
  credentials = [postgres_credential.reader, postgres_credential.writer]
}
`

describe.skipIf(programs === null)('a policy for PostgreSQL', () => {
  let lab: PostgresGateway
  beforeAll(async () => {
    lab = await startPostgresGateway({
      programs: programs ?? '',
      policy,
      profile: 'oncall',
      endpoint: 'orders',
      secrets: { reader: { '': 'read' }, writer: { '': 'write' } },
      server: {
        hba: ['hostssl all all all scram-sha-256'],
        setup: `CREATE ROLE agent_ro LOGIN PASSWORD 'read'; CREATE ROLE agent_rw LOGIN PASSWORD 'write';
                CREATE TABLE orders (id int); GRANT SELECT, INSERT ON orders TO agent_ro, agent_rw`,
      },
    })
  })
  afterAll(async () => await lab?.[Symbol.asyncDispose]())

  const as = (user: string, ...statements: string[]) => psql(`${lab.to} dbname=postgres user=${user}`, ...statements)

  it('picks the credential by the user the agent names, and judges by it', async () => {
    const writer = await as('agent_rw', 'insert into orders values (1)', 'select current_user, count(*) from orders')
    expect(writer.stdout).toBe('INSERT 0 1\nagent_rw|1')
    const reader = await as('agent_ro', 'insert into orders values (2)', 'select current_user, count(*) from orders')
    expect(reader.stdout).toBe('agent_ro|1')
    expect(reader.stderr).toContain('agent_ro is limited to queries')
  })

  it('has no session for a user no credential is for', async () => {
    const ran = await as('postgres', 'select 1')
    expect(ran.stderr).toContain('no credential, or more than one, fits user "postgres" (known: agent_ro, agent_rw)')
  })

  it('judges settings of the startup packet by the credential as well', async () => {
    const options = ["options='-c", "search_path=x'"].join(' ')
    const ask = (user: string) => psql(`${lab.to} dbname=postgres user=${user} ${options}`, 'show search_path')
    expect((await ask('agent_rw')).stdout).toBe('x')
    expect((await ask('agent_ro')).stderr).toContain('agent_ro is limited to queries')
  })
})
