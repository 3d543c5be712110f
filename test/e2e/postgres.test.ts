import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DatabaseLab, role, type ServerAddresses, startDatabaseLab } from '../support/database-lab.ts'
import { type Device, expectOk } from '../support/device.ts'
import type { LabRecord } from '../support/lab.ts'
import { postgresPrograms } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

const programs = postgresPrograms('databases through the gateway')

interface Changes {
  readonly unknownHost?: 'deny' | 'passthrough'
  /** Verb that is denied on orders. */
  readonly denied?: string
}

const policy = ({ literal }: ServerAddresses, { unknownHost = 'deny', denied = 'delete' }: Changes = {}) => `
defaults {
  unknown_host = "${unknownHost}"
}
endpoint "postgres" "orders" {
  host    = "orders-db.example.test:5432"
  sslmode = "disable"
}
endpoint "postgres" "ledger" {
  host    = "ledger-db.example.test:6432"
  sslmode = "disable"
}
endpoint "postgres" "literal" {
  host    = "${literal}:5432"
  sslmode = "disable"
}
endpoint "postgres" "reports" {
  host    = "reports-db.example.test:5432"
  sslmode = "disable"
}
endpoint "postgres" "inside" {
  host    = "inside-db.example.test:5432"
  sslmode = "disable"
}
credential "postgres_credential" "app-role" {
  endpoints = [postgres.orders, postgres.ledger, postgres.literal, postgres.inside]
  user      = "${role.user}"
}
credential "postgres_credential" "reader-role" {
  endpoint = postgres.reports
  user     = "reader"
}
rule "not-that" {
  endpoint  = postgres.orders
  priority  = 10
  condition = "sql.verb == '${denied}'"
  verdict   = "deny"
  reason    = "no ${denied} of orders"
}
rule "only-reading" {
  endpoint  = postgres.reports
  condition = "sql.verb != 'select'"
  verdict   = "deny"
  reason    = "reports only read"
}
rule "not-666" {
  endpoint  = postgres.ledger
  condition = "'1' in sql.params && sql.params['1'] == '666'"
  verdict   = "deny"
  reason    = "that entry is off limits"
}
rule "some" {
  endpoint   = postgres.ledger
  priority   = -1
  verdict    = "allow"
  limit_rows = 500
}
profile "default" {
  credentials = [postgres_credential.app-role]
}
profile "reports" {
  credentials = [postgres_credential.reader-role]
}
`

describe.skipIf(programs === null)("an agent's PostgreSQL traffic through the gateway", () => {
  let databases: DatabaseLab
  let addresses: ServerAddresses

  beforeAll(async () => {
    databases = await startDatabaseLab(programs ?? '', (place) => policy(place))
    addresses = databases.addresses
  }, 60_000)

  afterAll(async () => {
    await databases?.[Symbol.asyncDispose]()
  })

  const connection = (host: string, port = 5432) => `host=${host} port=${port} user=agent dbname=postgres`
  const psql = (to: string) => ['psql', '-XqAt', '-v', 'VERBOSITY=verbose', to]
  const ask = (to: string, sql: string, device: Device = databases.lab) => device.run([...psql(to), '-c', sql])
  const recorded = async (endpoint: string): Promise<readonly LabRecord[]> =>
    await databases.lab.records('--endpoint', endpoint)
  const titles = (records: readonly LabRecord[]) => records.map(({ title }) => String(title)).join('\n')

  it('reaches a server by its host name, with the role of the gateway and no password', async () => {
    const done = await ask(connection('orders-db.example.test'), 'select current_user, count(*) from orders')
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: 'app|3\n' })
    const record = (await recorded('orders')).at(-1)
    expect(record).toMatchObject({ decision: 'allow', credential: 'app-role', device: 'lab', status: 'SELECT 1' })
  })

  it.each([
    ['by the address its name leads to', () => connection(addresses.named), 'orders'],
    ['by the address an endpoint declares', () => connection(addresses.literal), 'literal'],
  ])('reaches a server %s', async (_what, to, endpoint) => {
    const done = await ask(to(), `select 'by ${endpoint}', current_user`)
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: `by ${endpoint}|app\n` })
    expect(titles(await recorded(endpoint))).toContain(`by ${endpoint}`)
  })

  it.each([
    ['its name', () => 'ledger-db.example.test'],
    ['its address', () => addresses.named],
  ])('reaches a server on another port by %s', async (_what, host) => {
    const done = await ask(connection(host(), 6432), 'select id, current_user from entries')
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: '7|app\n' })
    expect(titles(await recorded('ledger'))).toContain('entries')
  })

  it.each([
    ['verify-full', () => 'orders-db.example.test'],
    ['verify-full', () => addresses.named],
    ['require', () => 'orders-db.example.test'],
    ['disable', () => 'orders-db.example.test'],
  ])('is safe with sslmode=%s', async (mode, host) => {
    const done = await ask(`${connection(host())} sslmode=${mode}`, "select 'safe'")
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: 'safe\n' })
  })

  it('tells two profiles at one address apart', async () => {
    const device = await databases.lab.device('reporting', 'reports')
    const insert = 'insert into orders values (4)'
    const own = await ask(connection(addresses.named), `begin; ${insert}; rollback`)
    expect(own).toMatchObject({ code: 0, stderr: '' })
    const read = await ask(connection(addresses.named), 'select current_user, count(*) from orders', device)
    expect(read).toMatchObject({ code: 0, stdout: 'reader|3\n' })
    const written = await ask(connection(addresses.named), insert, device)
    expect(written.stderr).toMatch(/42501: .*reports only read/)
    expect(await recorded('reports')).toMatchObject([
      { decision: 'allow', device: 'reporting' },
      { decision: 'deny', device: 'reporting', rule: 'only-reading' },
    ])
  })

  it('refuses servers nobody declared, and names of another profile', async () => {
    for (const to of [connection(addresses.undeclared), connection('reports-db.example.test')]) {
      const done = await ask(`${to} connect_timeout=5`, 'select 1')
      expect(done).toMatchObject({ code: 2, stdout: '' })
    }
    const refused = await databases.lab.records('--denied')
    expect(titles(refused)).toContain(`${addresses.undeclared}:5432`)
  })

  it('does not connect to itself for a name that leads there, and says so', async () => {
    const done = await ask(connection('inside-db.example.test'), 'select 1')
    expect(done).toMatchObject({ code: 2, stdout: '' })
    expect(done.stderr).toContain('inside-db.example.test is at 127.0.0.1, which is the gateway itself')
  })

  it('denies a statement with rule and action, and the session goes on', async () => {
    const words = ['select 1', 'delete from orders where id = 2', 'select 2', 'begin', 'select 3']
    const inTransaction = ['delete from orders', 'rollback', 'select count(*) from orders']
    const input = [...words, ...inTransaction].map((word) => `${word};\n`).join('')
    const done = await databases.lab.run(psql(connection('orders-db.example.test')), { input })
    expect(done).toMatchObject({ code: 0, stdout: '1\n2\n3\n3\n' })
    const [, action] =
      /ERROR: {2}42501: .*no delete of orders.*\nDETAIL: .*"not-that".* ([0-9a-f-]{36})/.exec(done.stderr) ?? []
    expect(done.stderr).toMatch(/\nHINT: /)
    const denied = (await databases.lab.records('--denied', '--endpoint', 'orders')).at(0)
    expect(denied).toMatchObject({ id: action, decision: 'deny', rule: 'not-that', status: 'denied' })
    expect(databases.orders.query('select count(*) from orders')).toBe('3\n')
  })

  it('records every statement with how it ended', async () => {
    const before = (await recorded('ledger')).length
    const input = ['select * from entries', 'insert into entries values (8)', 'select * from nowhere']
    await databases.lab.run(psql(connection('ledger-db.example.test', 6432)), {
      input: input.map((word) => `${word};\n`).join(''),
    })
    const records = (await recorded('ledger')).slice(before)
    expect(records.map(({ status }) => status)).toEqual(['SELECT 1', 'INSERT 0 1', '42P01'])
    for (const [index, statement] of input.entries())
      expect(String(records[index]?.title)).toContain(statement.split(' ').at(2))
  })

  it('decides by parameters when a statement runs, and ends one that gives too much', async () => {
    const before = (await recorded('ledger')).length
    const many = 'select n as number from generate_series(1, 5000000) n'
    const input = ['prepare p (int) as select $1 + 1', 'execute p (665)', 'execute p (666)', many, 'select 7'].join(
      ';\n',
    )
    const done = await databases.lab.run(psql(connection('ledger-db.example.test', 6432)), { input: `${input};\n` })
    expect(done).toMatchObject({ code: 0, stdout: '666\n7\n' })
    expect(done.stderr).toMatch(/42501: .*that entry is off limits[\s\S]*54000: .*more than 500 rows/)
    const records = (await recorded('ledger')).slice(before)
    expect(records).toMatchObject([
      { decision: 'allow', decider: '(pending)', status: 'PREPARE' },
      { rule: 'some', status: 'SELECT 1', facts: { param_count: 1, rows: 1 } },
      { decision: 'deny', rule: 'not-666', status: 'denied', facts: { param_count: 1 } },
      { rule: 'some', status: '54000', facts: { rows: 500, result_columns: ['number'] } },
      { rule: 'some', status: 'SELECT 1', facts: { rows: 1, result_columns: ['?column?'] } },
    ])
    expect(JSON.stringify(records.slice(1, 3).map(({ facts }) => facts))).not.toContain('66')
    for (const { bytesUp, bytesDown, ms } of records.filter(({ status }) => status !== 'denied'))
      expect([Number(bytesUp) > 0, Number(bytesDown) > 0, Number(ms) >= 0]).toEqual([true, true, true])
  })

  it('a new policy applies to the next statement of an open session', async () => {
    await using session = databases.lab.startRun(psql(connection('orders-db.example.test')), null)
    const say = (line: string) => session.child.stdin?.write(`${line};\n`)
    say("select 'one', count(*) from orders")
    await session.saw(/^one\|3$/m)
    databases.lab.rewrite(policy(addresses, { denied: 'select' }))
    await until('the policy is in force', async () => {
      say("select 'again'")
      return /no select of orders/.test(session.output())
    })
    databases.lab.rewrite(policy(addresses))
    await until('the old policy is in force', () => {
      say("select 'two', count(*) from orders")
      return /^two\|3$/m.test(session.output())
    })
    session.child.stdin?.end()
    expect(await session.finished).toMatchObject({ code: 0 })
  })

  it('deleting the device ends its session at once', async () => {
    const device = await databases.lab.device('leaving')
    await using session = device.startRun(psql(connection('orders-db.example.test')), null)
    session.child.stdin?.write("select 'there';\nselect pg_sleep(60);\n")
    await session.saw(/^there$/m)
    expectOk(await databases.lab.cli(['device', 'delete', 'leaving']))
    const told = performance.now()
    await until('the server has no such session', () => {
      const left = "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()"
      return databases.orders.query(left) === '0\n'
    })
    session.child.stdin?.end()
    await session.finished
    expect(performance.now() - told).toBeLessThan(2000)
    expect((await recorded('orders')).filter(({ device: name }) => name === 'leaving').at(-1)).toMatchObject({
      status: 'error',
      error: 'the device was deleted',
    })
  })

  it('passes undeclared servers through where unknown hosts may be, and nothing else', async () => {
    databases.lab.rewrite(policy(addresses, { unknownHost: 'passthrough' }))
    const to = `${connection(addresses.undeclared)} connect_timeout=5`.replace('agent', role.user)
    const words = ['env', `PGPASSWORD=${role.password}`, ...psql(to), '-c', 'delete from orders where id = 99']
    await until('it is let through', async () => (await databases.lab.run(words)).code === 0)
    const bare = await ask(connection(addresses.named), 'delete from orders')
    expect(bare.stderr).toMatch(/42501: .*no delete of orders/)
    databases.lab.rewrite(policy(addresses))
  })
})
