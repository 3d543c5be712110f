import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAnalyser } from '../../workers/protocols/postgres/statement.ts'
import { StatementCache } from '../../workers/wire/sql/statement-cache.ts'
import { type DatabaseLab, role, startDatabaseLab } from '../support/database-lab.ts'
import { expectOk } from '../support/device.ts'
import { postgresPrograms } from '../support/postgres-server.ts'
import { run } from '../support/program.ts'
import { type Row, Rows } from './rows.ts'

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
  if (isWanted('analysis')) rows.push(await analysisRow())
  await using databases = await startDatabaseLab(programs, () => policy)
  const rate = ['-n', '-f', script, '-T', seconds, '-U', role.user]
  // lets code be compiled: what is measured is a gateway that has been running
  await through(databases, ['pgbench', ...rate, '-c', '16', '-T', '8'], ['postgres'])
  await through(databases, ['pgbench', ...rate, '-c', '16', '-T', '4', '-M', 'prepared'], ['postgres'])
  for (const [key, name, words, bar, goal] of [
    ['one', 'select 1, simple, 1 connection', ['-c', '1'], '4000/s', '6000/s'],
    ['many', 'select 1, simple, 16 connections', ['-c', '16'], '12000/s', '25000/s'],
    ['prepared', 'select 1, prepared, 16 connections', ['-M', 'prepared', '-c', '16'], '12000/s', '30000/s'],
    ['connect', 'connect + close', ['-C', '-c', '4'], '350/s', '450/s'],
  ] as const) {
    if (!isWanted(key)) continue
    const [direct, reached] = await bothWays(databases, ['pgbench', ...rate, ...words], ['postgres'])
    const rates = `${perSecond(reached).toFixed(0)}/s, ${share(perSecond(reached), perSecond(direct))}`
    const cpu = `${(reached.gatewayCpuMs / (countOf(reached) / 1000)).toFixed(0)} us CPU each`
    rows.push({ name, direct: `${perSecond(direct).toFixed(0)}/s`, reached: `${rates}, ${cpu}`, bar, goal })
  }
  if (isWanted('large')) {
    const psql = ['psql', '-Xq', '-U', role.user, '-o', '/dev/null', '-c', large, 'postgres']
    const [direct, reached] = await bothWays(databases, psql, [])
    const speed = ({ ms }: Timed) => 200_000 / ms
    rows.push({
      name: '200 MB result',
      direct: `${speed(direct).toFixed(0)} MB/s`,
      reached: `${speed(reached).toFixed(0)} MB/s, ${share(speed(reached), speed(direct))}`,
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
  /** Of the gateway's process, meanwhile. */
  readonly gatewayCpuMs: number
}

/** Runs a client against the server itself, then through the gateway. */
async function bothWays(
  databases: DatabaseLab,
  words: readonly string[],
  last: readonly string[],
): Promise<readonly [Timed, Timed]> {
  const [program = '', ...rest] = words
  const direct = { ...process.env, PGPASSWORD: role.password, PGSSLMODE: 'disable' }
  const to = ['-h', databases.addresses.named, ...rest, ...last]
  const first = await timed(databases, () => run(program, to, direct))
  return [first, await through(databases, words, last)]
}

function through(databases: DatabaseLab, words: readonly string[], last: readonly string[]): Promise<Timed> {
  const [program = '', ...rest] = words
  const all = ['env', 'PGSSLMODE=disable', program, '-h', host, ...rest, ...last]
  return timed(databases, () => databases.lab.run(all))
}

async function timed({ lab }: DatabaseLab, go: () => Promise<Parameters<typeof expectOk>[0]>): Promise<Timed> {
  const [begun, cpuBefore] = [performance.now(), cpuMsOf(lab.gateway.child.pid)]
  const { stdout } = expectOk(await go())
  return { stdout, ms: performance.now() - begun, gatewayCpuMs: cpuMsOf(lab.gateway.child.pid) - cpuBefore }
}

/** Ticks of the kernel's clock are 10 ms. */
function cpuMsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** What taking a short statement apart costs the first time, and any other time. */
async function analysisRow(): Promise<Row> {
  const analyse = await loadAnalyser()
  const cache = new StatementCache(analyse, 16 << 20)
  const text = (index: number) => `select id, note from orders where id = ${index} and note like 'a%'`
  const microsOf = (count: number, take: (index: number) => unknown) => {
    const before = process.cpuUsage()
    for (let index = 0; index < count; index += 1) take(index)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / count
  }
  microsOf(2000, (index) => analyse(text(-index)))
  const first = microsOf(5000, (index) => cache.analyse(text(index)))
  const again = microsOf(50_000, (index) => cache.analyse(text(index % 1000)))
  const hits = ((cache.hits / (cache.hits + cache.misses)) * 100).toFixed(0)
  return {
    name: 'a short statement taken apart, first / again',
    direct: '-',
    reached: `${first.toFixed(0)} us / ${again.toFixed(1)} us (${hits} % hits)`,
    bar: '100 us',
    goal: '-',
  }
}

function perSecond({ stdout }: Timed): number {
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
}

function countOf({ stdout }: Timed): number {
  return Number(/actually processed: (\d+)/.exec(stdout)?.[1])
}

function share(reached: number, direct: number): string {
  return `${((reached / direct) * 100).toFixed(1)} %`
}

await main()
