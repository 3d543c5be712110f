import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { role, startDatabaseLab } from '../support/database-lab.ts'
import { type PostgresServer, postgresPrograms } from '../support/postgres-server.ts'
import { run } from '../support/program.ts'

const subject = "PostgreSQL's own regression suite through the gateway"
const suite = process.env.CLAWPATROL_TEST_REGRESS ?? ''
const programs = suite === '' ? null : postgresPrograms(subject)
if (suite === '')
  process.stderr.write(`NOT TESTED: ${subject}: needs CLAWPATROL_TEST_REGRESS, its src/test/regress (takes minutes)\n`)

const host = 'orders-db.example.test'

const policy = `
defaults {
  unknown_host = "deny"
}
endpoint "postgres" "orders" {
  host    = "${host}:5432"
  sslmode = "disable"
}
credential "postgres_credential" "superuser" {
  endpoint = postgres.orders
  user     = "postgres"
}
rule "everything" {
  endpoint = postgres.orders
  verdict  = "allow"
}
profile "default" {
  credentials = [postgres_credential.superuser]
}
`

/** As pg_regress does. */
function prepare(server: PostgresServer): void {
  server.query(`alter role postgres password '${role.password}'`)
  server.query('create database regression template template0')
  const settings = [
    ...['messages', 'monetary', 'numeric', 'time'].map((name) => `lc_${name} to 'C'`),
    "bytea_output to 'hex'",
    "timezone_abbreviations to 'Default'",
  ]
  for (const setting of settings) server.query(`alter database regression set ${setting}`)
}

/** The words that run every file of the suite, one after the other, and write what each prints to a folder. */
function script(names: readonly string[], to: { host: string; port: number }, out: string): string {
  const lib = process.env.CLAWPATROL_TEST_REGRESS_LIB ?? suite
  const variables = {
    PGHOST: to.host,
    PGPORT: to.port,
    PGUSER: 'postgres',
    PGSSLMODE: 'disable',
    PGTZ: 'America/Los_Angeles',
    PGDATESTYLE: 'Postgres, MDY',
    PGOPTIONS: '-c intervalstyle=postgres_verbose',
    LC_ALL: 'C',
    PG_ABS_SRCDIR: suite,
    PG_ABS_BUILDDIR: join(out, '..'),
    PG_LIBDIR: lib,
    PG_DLSUFFIX: '.so',
  }
  const psql = 'psql -X -a -q -d regression -v HIDE_TABLEAM=on -v HIDE_TOAST_COMPRESSION=on'
  return [
    ...Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`),
    `cd '${out}'`,
    ...names.map((name) => `PGAPPNAME=pg_regress/${name} ${psql} < '${suite}/sql/${name}.sql' > ${name}.out 2>&1`),
    'true',
    '',
  ].join('\n')
}

describe.skipIf(programs === null)(subject, () => {
  it('prints the same as without it', async () => {
    await using databases = await startDatabaseLab(programs ?? '', () => policy, {
      secrets: { superuser: role.password },
      settings: ['max_prepared_transactions=2', 'shared_buffers=128MB'],
    })
    const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-regress-'))
    chmodSync(folder, 0o777)
    try {
      for (const server of [databases.orders, databases.ledger]) prepare(server)
      const names = readFileSync(join(suite, 'parallel_schedule'), 'utf8')
        .split('\n')
        .flatMap((line) => (line.startsWith('test:') ? line.slice(5).trim().split(/\s+/) : []))
      const sides = [
        ['direct', { host: databases.addresses.named, port: 6432 }],
        ['gateway', { host, port: 5432 }],
      ] as const
      for (const [side, to] of sides) {
        mkdirSync(join(folder, side, 'results'), { recursive: true })
        chmodSync(join(folder, side, 'results'), 0o777)
        mkdirSync(join(folder, side, 'out'))
        const file = join(folder, `${side}.sh`)
        writeFileSync(file, script(names, to, join(folder, side, 'out')))
        const env = { ...process.env, PGPASSWORD: role.password }
        const done = side === 'direct' ? await run('sh', [file], env) : await databases.lab.run(['sh', file])
        expect(done).toMatchObject({ code: 0, stderr: '' })
      }
      const printed = (side: string, name: string) => {
        const text = readFileSync(join(folder, side, 'out', `${name}.out`), 'latin1')
        return text.replaceAll(join(folder, side), 'FOLDER')
      }
      const different = names.filter((name) => printed('direct', name) !== printed('gateway', name))
      expect(names.length).toBeGreaterThan(150)
      expect(different).toEqual([])
      expect(await databases.lab.records('--denied')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 1_800_000)
})
