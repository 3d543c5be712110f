import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DatabaseLab, role, startDatabaseLab } from '../support/database-lab.ts'
import { expectOk } from '../support/device.ts'
import { postgresPrograms } from '../support/postgres-server.ts'
import { run } from '../support/program.ts'
import { Rows } from './rows.ts'

const host = 'orders-db.example.test'
const seconds = process.env.BENCH_SECONDS ?? '4'
/** Rows of 100 kB: 200 MB together. */
const large = "copy (select repeat('x', 100000) from generate_series(1, 2000)) to stdout"

const policy = `
endpoint "postgres" "orders" {
  host    = "${host}:5432"
  sslmode = "disable"
}
credential "postgres_credential" "app-role" {
  endpoint = postgres.orders
  user     = "${role.user}"
}
rule "no-drop" {
  endpoint  = postgres.orders
  condition = "'drop' in sql.verbs || 'secrets' in sql.tables"
  verdict   = "deny"
  reason    = "not here"
}
profile "default" {
  credentials = [postgres_credential.app-role]
}
`

/** Measures sessions direct and through the gateway in the same run, on one machine; names of rows limit them. */
async function main(): Promise<void> {
  const programs = postgresPrograms('the bench of PostgreSQL')
  if (programs === null) return
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-bench-'))
  const script = join(dir, 'select.sql')
  writeFileSync(script, 'select 1;\n')
  const rows = new Rows()
  const only = process.argv.slice(2)
  const isWanted = (name: string) => only.length === 0 || only.includes(name)
  await using databases = await startDatabaseLab(programs, () => policy)
  const rate = ['-n', '-f', script, '-T', seconds, '-U', role.user]
  for (const [key, name, words, bar, goal] of [
    ['one', 'select 1, simple, 1 connection', ['-c', '1'], '4000/s', '6000/s'],
    ['many', 'select 1, simple, 16 connections', ['-c', '16'], '12000/s', '25000/s'],
    ['prepared', 'select 1, prepared, 16 connections', ['-M', 'prepared', '-c', '16'], '12000/s', '30000/s'],
    ['connect', 'connect + close', ['-C', '-c', '4'], '350/s', '450/s'],
  ] as const) {
    if (!isWanted(key)) continue
    const [direct, through] = await bothWays(databases, ['pgbench', ...rate, ...words], ['postgres'])
    rows.push({
      name,
      direct: `${perSecond(direct).toFixed(0)}/s`,
      reached: `${perSecond(through).toFixed(0)}/s, ${share(perSecond(through), perSecond(direct))}`,
      bar,
      goal,
    })
  }
  if (isWanted('large')) {
    const psql = ['psql', '-Xq', '-U', role.user, '-o', '/dev/null', '-c', large, 'postgres']
    const [direct, through] = await bothWays(databases, psql, [])
    const speed = ({ ms }: Timed) => 200_000 / ms
    rows.push({
      name: '200 MB result',
      direct: `${speed(direct).toFixed(0)} MB/s`,
      reached: `${speed(through).toFixed(0)} MB/s, ${share(speed(through), speed(direct))}`,
      bar: '250 MB/s',
      goal: '450 MB/s',
    })
  }
  rows.print()
  rmSync(dir, { recursive: true })
}

interface Timed {
  readonly stdout: string
  readonly ms: number
}

/** Runs a client against the server itself, then through the gateway. */
async function bothWays(
  { lab, addresses }: DatabaseLab,
  words: readonly string[],
  last: readonly string[],
): Promise<readonly [Timed, Timed]> {
  const [program = '', ...rest] = words
  const to = (address: string) => ['-h', address, ...rest, ...last]
  const direct = { ...process.env, PGPASSWORD: role.password, PGSSLMODE: 'disable' }
  const first = await timed(() => run(program, to(addresses.named), direct))
  return [first, await timed(() => lab.run(['env', 'PGSSLMODE=disable', program, ...to(host)]))]
}

async function timed(go: () => Promise<Parameters<typeof expectOk>[0]>): Promise<Timed> {
  const begun = performance.now()
  const { stdout } = expectOk(await go())
  return { stdout, ms: performance.now() - begun }
}

function perSecond({ stdout }: Timed): number {
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
}

function share(through: number, direct: number): string {
  return `${((through / direct) * 100).toFixed(1)} %`
}

await main()
