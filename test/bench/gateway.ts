import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expectOk } from '../support/device.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { projectRoot, type Running, run, start } from '../support/program.ts'
import { type Row, Rows } from './rows.ts'

const host = 'bench.example.test'
const relayAddress = '198.51.100.10'
const load = join(projectRoot, 'test/bench/bin/load')
const seconds = process.env.BENCH_SECONDS ?? '4'

interface Rate {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly count: number
  readonly errors: number
}

interface Server extends AsyncDisposable {
  readonly secure: number
  readonly plain: number
}

/** Measures the direct path and the path through the gateway in the same run, on one machine. */
async function main(): Promise<void> {
  const rows = new Rows()
  const only = process.argv[2]
  // a gateway of its own: memory freed by other rows would hide what a flow takes
  if (only === undefined || only === 'memory') await memoryRow(rows)
  await using one = await startBench(1)
  if (only === undefined || only === 'flows') await flowRows(one, rows)
  if (only === undefined || only === 'run') rows.push(await runRow(one.lab))
  if (only === undefined || only === 'rules') await ruleRows(one, rows)
  // imported late: it fills memory that other rows look at
  if (only === undefined || only === 'conditions') rows.push((await import('./conditions.ts')).conditionRow())
  rows.print()
}

interface Bench extends AsyncDisposable {
  readonly lab: Lab
  readonly server: Server
  /** From the gateway's start to its ready line, ms. */
  readonly readyMs: number
}

async function flowRows(bench: Bench, rows: Rows): Promise<void> {
  await warmUp(bench)
  for (const [name, connections, bar, goal] of [
    ['small GET, keep-alive, 1 connection', 1, '2000/s, p50 0.5 ms', '3000/s'],
    ['small GET, keep-alive, 32 connections', 32, '5000/s', '10000/s'],
  ] as const) {
    const direct = await keepAlive(bench, connections, false)
    const cpuBefore = cpuSeconds(bench.lab)
    const through = await keepAlive(bench, connections, true)
    const cpu = ((cpuSeconds(bench.lab) - cpuBefore) / through.count) * 10_000
    rows.push({ name, direct: rateText(direct), reached: rateText(through), bar, goal })
    if (connections === 32) {
      rows.push({
        name: 'gateway CPU per 10,000 requests at 32',
        direct: '-',
        reached: `${cpu.toFixed(2)} s`,
        bar: '2.5 s',
        goal: '1.2 s',
      })
    }
  }
  rows.push(
    await compare(bench, 'new TLS connection + GET', ['newconn', '-c', '16', '-d', `${seconds}s`], '800/s', '1200/s'),
  )
  rows.push(
    await compare(bench, '128 HTTP/2 streams', ['streams', '-streams', '128', '-d', `${seconds}s`], '4000/s', '8000/s'),
  )
  for (const way of ['download', 'upload']) {
    const direct = await client<{ mbPerSecond: number }>(bench, [way], 'direct')
    const through = await client<{ mbPerSecond: number }>(bench, [way], 'through')
    rows.push({
      name: `${way} 512 MiB`,
      direct: `${direct.mbPerSecond.toFixed(0)} MB/s`,
      reached: `${through.mbPerSecond.toFixed(0)} MB/s`,
      bar: '220 MB/s',
      goal: '400 MB/s',
    })
  }
  await relayRows(bench, rows)
}

async function relayRows(bench: Bench, rows: Rows): Promise<void> {
  const to = ['-plain', '-connect', `${relayAddress}:${bench.server.plain}`, '-name', relayAddress]
  const small = ['keepalive', '-c', '32', '-d', `${seconds}s`, ...to]
  const direct = JSON.parse(expectOk(await run(load, small)).stdout) as Rate
  const through = JSON.parse(expectOk(await bench.lab.run([load, ...small])).stdout) as Rate
  rows.push({
    name: 'relay of an unclaimed flow, 32 connections',
    direct: rateText(direct),
    reached: rateText(through),
    bar: '15000/s',
    goal: 'kernel speed',
  })
  const bulk = ['download', ...to]
  const directBulk = JSON.parse(expectOk(await run(load, bulk)).stdout) as { mbPerSecond: number }
  const throughBulk = JSON.parse(expectOk(await bench.lab.run([load, ...bulk])).stdout) as { mbPerSecond: number }
  rows.push({
    name: 'relay of an unclaimed flow, bulk',
    direct: `${directBulk.mbPerSecond.toFixed(0)} MB/s`,
    reached: `${throughBulk.mbPerSecond.toFixed(0)} MB/s`,
    bar: '300 MB/s',
    goal: 'kernel speed',
  })
}

async function memoryRow(rows: Rows): Promise<void> {
  await using bench = await startBench(1)
  rows.push(await idleRow(bench))
}

async function idleRow(bench: Bench): Promise<Row> {
  const flows = 2000
  // the first thousand fill pools and heaps; what those after them add is what a flow takes
  await using first = await hold(bench, 1000)
  const before = residentKb(bench.lab)
  await using second = await hold(bench, flows)
  const each = (residentKb(bench.lab) - before) / flows
  await Promise.all([first, second].map((running) => running[Symbol.asyncDispose]()))
  return {
    name: 'memory per idle intercepted flow',
    direct: '-',
    reached: `${each.toFixed(0)} kB`,
    bar: '60 kB',
    goal: '30 kB',
  }
}

async function hold(bench: Bench, flows: number): Promise<Running> {
  const running = bench.lab.startRun([load, 'idle', '-c', String(flows), ...secure(bench, 'through')])
  await running.saw(/holding/, 60_000)
  return running
}

async function runRow(lab: Lab): Promise<Row> {
  const times: number[] = []
  for (let round = 0; round < 10; round += 1) {
    const begun = performance.now()
    expectOk(await lab.run(['true']))
    times.push(performance.now() - begun)
  }
  return {
    name: 'clawpatrol run -- true, warm',
    direct: '-',
    reached: `${(median(times) / 1000).toFixed(2)} s`,
    bar: '0.4 s',
    goal: '0.15 s',
  }
}

async function ruleRows(one: Bench, rows: Rows): Promise<void> {
  await using many = await startBench(10_000)
  await Promise.all([one, many].map((bench) => warmUp(bench)))
  const rates: { few: number[]; many: number[] } = { few: [], many: [] }
  // turn and turn about: what else the machine does hits both
  for (let round = 0; round < 3; round += 1) {
    rates.few.push((await keepAlive(one, 32, true)).perSecond)
    rates.many.push((await keepAlive(many, 32, true)).perSecond)
  }
  const [few, slow] = [median(rates.few), median(rates.many)]
  const loss = (1 - slow / few) * 100
  rows.push({
    name: '10,000 rules instead of 1, 32 connections',
    direct: `${few.toFixed(0)}/s with 1`,
    reached: `${slow.toFixed(0)}/s, ${loss.toFixed(1)} % slower`,
    bar: '10 %',
    goal: '2 %',
  })
  const config = join(many.lab.dir, 'gateway.hcl')
  const begun = performance.now()
  expectOk(await many.lab.cli(['validate', config]))
  const validateMs = performance.now() - begun
  rows.push({
    name: '10,000-rule config: validate / gateway ready, RSS under load',
    direct: '-',
    reached: `${(validateMs / 1000).toFixed(2)} s / ${(many.readyMs / 1000).toFixed(2)} s, ${(residentKb(many.lab) / 1024).toFixed(0)} MB`,
    bar: '3 s / 3.5 s, 500 MB',
    goal: '1 s',
  })
}

async function startBench(rules: number): Promise<Bench> {
  let server: Server | undefined
  const begun = performance.now()
  let startedAt = begun
  const lab = await startLab({
    names: [host],
    gatewayLines: [`relay_allow      = ["${relayAddress}/32"]`],
    secrets: { 'bench-token': 'bench-secret-0123456789' },
    policy: async (place) => {
      server = await serve(place.authority.certFile, place.authority.keyFile)
      startedAt = performance.now()
      return policy(server.secure, place.authority.caFile, rules)
    },
  })
  const readyMs = lab.readyAt - startedAt
  const running = server
  if (running === undefined) throw new Error('the upstream was not started')
  let over = false
  return {
    lab,
    server: running,
    readyMs,
    [Symbol.asyncDispose]: async () => {
      if (over) return
      over = true
      await lab[Symbol.asyncDispose]()
      await running[Symbol.asyncDispose]()
    },
  }
}

function policy(port: number, caFile: string, rules: number): string {
  const many = Array.from(
    { length: rules - 1 },
    (_, index) => `rule "r${index}" {
  endpoint  = https.bench
  priority  = ${index % 7}
  condition = "http.method == 'DELETE' && http.path.startsWith('/v1/things/${index}/')"
  verdict   = "deny"
}
`,
  )
  return `endpoint "https" "bench" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
credential "bearer_token" "bench-token" {
  endpoint = https.bench
}
rule "no-delete" {
  endpoint  = https.bench
  condition = "http.method == 'DELETE'"
  verdict   = "deny"
}
${many.join('')}
profile "default" {
  credentials = [bearer_token.bench-token]
}
`
}

async function serve(cert: string, key: string): Promise<Server> {
  const running = start(load, ['serve', '-cert', cert, '-key', key, '-address', '0.0.0.0'], process.env)
  const [text] = await running.saw(/\{.*\}/)
  return {
    ...(JSON.parse(text) as { secure: number; plain: number }),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

function secure(bench: Bench, way: 'direct' | 'through'): string[] {
  if (way === 'through') return ['-connect', `${host}:443`, '-name', host, '-ca', join(bench.lab.dir, 'client/ca.crt')]
  return ['-connect', `127.0.0.1:${bench.server.secure}`, '-name', host, '-ca', bench.lab.authority.caFile]
}

async function client<T>(bench: Bench, words: readonly string[], way: 'direct' | 'through'): Promise<T> {
  const all = [...words, ...secure(bench, way)]
  const done = way === 'direct' ? await run(load, all) : await bench.lab.run([load, ...all])
  return JSON.parse(expectOk(done).stdout) as T
}

function keepAlive(bench: Bench, connections: number, through: boolean): Promise<Rate> {
  return client(bench, ['keepalive', '-c', String(connections), '-d', `${seconds}s`], through ? 'through' : 'direct')
}

async function compare(bench: Bench, name: string, words: readonly string[], bar: string, goal: string): Promise<Row> {
  const direct = await client<Rate>(bench, words, 'direct')
  const through = await client<Rate>(bench, words, 'through')
  return { name, direct: rateText(direct), reached: rateText(through), bar, goal }
}

/** Lets code be compiled and pools fill: what is measured is a gateway that has been running. */
async function warmUp(bench: Bench): Promise<void> {
  await client(bench, ['keepalive', '-c', '32', '-d', '8s'], 'through')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function rateText(rate: Rate): string {
  const errors = rate.errors === 0 ? '' : `, ${rate.errors} ERRORS`
  return `${rate.perSecond.toFixed(0)}/s, p50 ${rate.p50Ms.toFixed(2)} p99 ${rate.p99Ms.toFixed(1)} ms${errors}`
}

function cpuSeconds(lab: Lab): number {
  const fields = readFileSync(`/proc/${lab.gateway.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function residentKb(lab: Lab): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${lab.gateway.child.pid}/status`, 'utf8'))?.[1])
}

await main()
