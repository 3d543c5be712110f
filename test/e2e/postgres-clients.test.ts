import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DatabaseLab, role, startDatabaseLab } from '../support/database-lab.ts'
import { goProgram } from '../support/go-program.ts'
import { javaWithPgjdbc } from '../support/java-with.ts'
import { postgresPrograms } from '../support/postgres-server.ts'
import { run as runHere } from '../support/program.ts'
import { pythonWith } from '../support/python-with.ts'

const programs = postgresPrograms('PostgreSQL clients through the gateway')
const psycopg = pythonWith(['psycopg'], 'psycopg through the gateway')
const asyncpg = pythonWith(['asyncpg'], 'asyncpg through the gateway')
const pgjdbc = javaWithPgjdbc('pgjdbc through the gateway')
const host = 'orders-db.example.test'
const script = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))

const pgx = goProgram(script('pgx'), 'pgx through the gateway')

const policy = `
defaults {
  unknown_host = "deny"
}
endpoint "postgres" "orders" {
  host    = "${host}:5432"
  sslmode = "disable"
}
credential "postgres_credential" "app-role" {
  endpoint = postgres.orders
  user     = "${role.user}"
}
rule "no-delete" {
  endpoint  = postgres.orders
  condition = "sql.verb == 'delete' && sql.database == 'postgres'"
  verdict   = "deny"
  reason    = "nothing is deleted here"
}
rule "anything-in-files" {
  endpoint  = postgres.orders
  condition = "sql.database == 'files'"
  verdict   = "allow"
}
profile "default" {
  credentials = [postgres_credential.app-role]
}
`

/** Thousands of statements, short and long, some of them wrong. */
function statements(): string {
  const lines = ['create table many (id int primary key, word text);']
  for (let id = 0; id < 700; id += 1) {
    lines.push(`insert into many values (${id}, 'word ${id}; it''s "${'x'.repeat(id % 50)}"');`)
    if (id % 3 === 0) lines.push(`select ${id} as n, word from many where id = ${id} -- ${'y'.repeat(id)}\n;`)
    if (id % 7 === 0) lines.push(`delete from many where id = ${id - 3} returning id;`)
    if (id % 11 === 0) lines.push(`select ${id} from many whre id = 1;`)
    if (id % 100 === 0) lines.push(id % 200 === 0 ? 'begin;' : 'rollback;')
  }
  const rows = Array.from({ length: 4000 }, (_, id) => `(${id + 5000}, 'row ${id} ${'z'.repeat(40)}')`)
  lines.push(`insert into many values ${rows.join(',\n')} returning id;`)
  lines.push(`select length('${'long; '.repeat(150_000)}');`)
  lines.push('select count(*), md5(string_agg(word, id::text order by id)) from many;', '')
  return lines.join('\n')
}

describe.skipIf(programs === null)('PostgreSQL clients through the gateway', () => {
  let databases: DatabaseLab

  beforeAll(async () => {
    databases = await startDatabaseLab(programs ?? '', () => policy)
    writeFileSync(generated, statements())
  }, 60_000)

  afterAll(async () => {
    await databases?.[Symbol.asyncDispose]()
    pgx?.[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })

  const run = (words: readonly string[], input = '') => databases.lab.run(['timeout', '60', ...words], { input })
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-sql-'))
  const generated = join(folder, 'statements.sql')
  const denial = 'clawpatrol denied this statement: nothing is deleted here'
  const anAction = '[0-9a-f]{8}-[0-9a-f-]{27}'

  it('node-postgres: simple, extended, prepared, denied, cancelled', async () => {
    const done = await run([process.execPath, '--no-deprecation', script('node_postgres.mjs'), host, '5432'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    const told = {
      code: '42501',
      severity: 'ERROR',
      message: denial,
      detail: 'rule "no-delete", action ID',
      hint: true,
    }
    expect(done.stdout.replaceAll(new RegExp(anAction, 'g'), 'ID').split('\n')).toEqual([
      'simple [[{"one":1}],[{"two":2}]]',
      'parameters [{"sum":42}]',
      'prepared [{"id":1}]',
      'prepared [{"id":2}]',
      `simple denial ${JSON.stringify(told)}`,
      `extended denial ${JSON.stringify(told)}`,
      'denial in a transaction "42501"',
      'several in one "42501"',
      'cancelled "57014"',
      'after [{"n":3}]',
      '',
    ])
    expect(databases.orders.query('select count(*) from orders')).toBe('3\n')
  })

  it.each(['simple', 'extended', 'prepared'])('pgbench: %s', async (mode) => {
    const before = (await databases.lab.records('--endpoint', 'orders')).length
    const line = `pgbench -n -M ${mode} -f - -c 4 -t 25 -h ${host} -U agent postgres`
    const done = await run(['sh', '-c', line], 'select count(*) from orders;\n')
    expect(done.code).toBe(0)
    expect(done.stdout).toMatch(/actually processed: 100\/100\n.*failed transactions: 0 /)
    const records = (await databases.lab.records('--endpoint', 'orders')).slice(before)
    expect(records.filter(({ status }) => status === 'SELECT 1').length).toBeGreaterThanOrEqual(100)
  })

  it('pgbench: pipelines', async () => {
    const input = '\\startpipeline\nselect 1;\nselect 2;\nselect 3;\n\\endpipeline\n'
    const line = `pgbench -n -M prepared -f - -c 4 -t 25 -h ${host} -U agent postgres`
    const done = await run(['sh', '-c', line], input)
    expect(done.code).toBe(0)
    expect(done.stdout).toMatch(/actually processed: 100\/100\n.*failed transactions: 0 /)
  })

  it('psql: COPY in and out, errors, transactions, notifications', async () => {
    const input = [
      'create temporary table notes (id int, text text);',
      '\\copy notes from stdin',
      '1\tone',
      '2\ttwo',
      '\\.',
      'copy notes to stdout;',
      'begin;',
      'select nothing;',
      'select 1;',
      'rollback;',
      'listen here;',
      "notify here, 'you';",
      'select sum(id) from notes;',
      '',
    ].join('\n')
    const done = await run(['psql', '-XqAt', `host=${host} user=agent dbname=postgres`], input)
    expect(done.stdout).toMatch(
      /^1\tone\n2\ttwo\nAsynchronous notification "here" with payload "you" received .*\n3\n$/,
    )
    expect(done.stderr.split('\n').filter((line) => line.startsWith('ERROR'))).toEqual([
      'ERROR:  column "nothing" does not exist',
      'ERROR:  current transaction is aborted, commands ignored until end of transaction block',
    ])
  })

  describe('psql prints the same with and without the gateway', () => {
    /** Runs a file in a database of its own; what was printed, without what differs between any two sessions. */
    async function printed(file: string, psql: (words: readonly string[]) => ReturnType<typeof run>, to: string) {
      databases.orders.query('drop database if exists files')
      databases.orders.query(`create database files owner ${role.user}`)
      const { stdout, stderr } = await psql(['psql', '-X', '-a', `${to} dbname=files`, '-f', file])
      const plain = (text: string) => text.replaceAll(/(server process with PID )\d+/g, '$1N').split('\n')
      return { stdout: plain(stdout), stderr: plain(stderr) }
    }

    it.each([
      ['definitions', 3000, 80],
      ['sessions', 500, 50],
      ['data', 1400, 15],
      ['statements', 6000, 100],
    ])('%s.sql', async (name, lines, complaints) => {
      const file = name === 'statements' ? generated : script(`../sql/${name}.sql`)
      const to = `host=${databases.orders.socket} user=${role.user}`
      const direct = await printed(file, ([command = '', ...words]) => runHere(command, words), to)
      const gateway = await printed(file, run, `host=${host} user=agent`)
      expect(gateway).toEqual(direct)
      expect(direct.stdout.length).toBeGreaterThan(lines)
      expect(direct.stderr.length).toBeGreaterThan(complaints)
    })
  })

  it('psql: a result of 100 MB', async () => {
    const big = "copy (select repeat('x', 1000) from generate_series(1, 100000)) to stdout"
    const line = `psql -XqAt "host=${host} user=agent dbname=postgres" -c "${big}" | wc -c`
    expect((await run(['sh', '-c', line])).stdout.trim()).toBe('100100000')
  })

  it.skipIf(psycopg === null)('psycopg 3: pipelines, a denial in one, COPY', async () => {
    const done = await run([psycopg ?? '', script('psycopg_pipeline.py'), host, '5432'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toBe(`pipeline 190\ndenied 42501 ${denial}\nafter 3\ncopied 13\nupdated 20\n`)
  })

  it.skipIf(asyncpg === null)(
    'asyncpg: prepared statements, cursors, a denial in a transaction, time-outs',
    async () => {
      const done = await run([asyncpg ?? '', script('asyncpg_session.py'), host, '5432'])
      expect(done).toMatchObject({ code: 0, stderr: '' })
      const lines = done.stdout.split('\n').filter((line) => !/^(DETAIL|HINT): /.test(line))
      expect(lines).toEqual([
        'fetch [1, 2]',
        'prepared a! b!',
        `denied 42501 ${denial}`,
        'cursor [1, 2, 3]',
        'timed out',
        'after 3',
        '',
      ])
    },
  )

  it.skipIf(pgjdbc === null)(
    'pgjdbc: every query mode, batches, cursors, COPY, large objects, denials, cancelled',
    async () => {
      const done = await run([...(pgjdbc ?? []), script('Pgjdbc.java'), host, '5432'])
      expect(done).toMatchObject({ code: 0, stderr: '' })
      const denied = (mode: string) =>
        `${mode}: denied ${denial}, hint true${' 42501'.repeat(7)} ok 42501 25P02, left 3`
      const ran = (mode: string, prepared: number) =>
        `${mode}: several 6, parameters 36, prepared on the server ${prepared}`
      const modes = ['extended', 'simple', 'extendedForPrepared', 'extendedCacheEverything']
      expect(done.stdout.split('\n')).toEqual([
        ...modes.flatMap((mode) => [ran(mode, mode === 'simple' ? 0 : 1), denied(mode)]),
        'batches 1300, new 300',
        'denied in a batch 42501, done 5',
        'left of it 0',
        'cursor 1000',
        'copied in 20000, out 21000, characters 260280',
        'large object 150000, read 50000',
        'cancelled 57014',
        'after 3',
        '',
      ])
    },
  )

  it.skipIf(pgx === null)('pgx: every query mode, pipelines, COPY, denials, notifications, cancelled', async () => {
    const done = await run([pgx?.path ?? '', host, '5432'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    const modes = ['cache statement', 'cache describe', 'describe exec', 'exec', 'simple protocol']
    expect(done.stdout.split('\n')).toEqual([
      'cached 210 1',
      ...modes.map((mode) => `${mode} 42501 3`),
      'batch 19900',
      `denied 42501 ${denial}`,
      'transaction 42501 25P02',
      'copied 50000 638890',
      'notice look',
      'told here you',
      'cancelled true',
      'after 3',
      '',
    ])
  })
})
