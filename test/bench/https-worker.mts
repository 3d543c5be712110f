import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aCredential, aRule, makePki, startGateway } from '../../workers/protocols/https/session.fixture.ts'
import { projectRoot, run, start } from '../support/program.ts'

const host = 'bench.example.test'
const load = join(projectRoot, 'test/bench/bin/load')
const seconds = process.env.BENCH_SECONDS ?? '3'

const commands: { readonly [name: string]: readonly string[] } = {
  one: ['keepalive', '-c', '1', '-d', `${seconds}s`],
  many: ['keepalive', '-c', '32', '-d', `${seconds}s`],
  newconn: ['newconn', '-c', '8', '-d', `${seconds}s`],
  download: ['download', '-mib', '512'],
  upload: ['upload', '-mib', '512'],
  streams: ['streams', '-streams', '128', '-d', `${seconds}s`],
}

/** The https runtime alone in this process, without binding, pool and recorder: what a request costs a worker. */
async function main(): Promise<void> {
  using pki = makePki([host])
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-bench-'))
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  writeFileSync(cert, pki.server.chain)
  writeFileSync(key, pki.server.key)
  await using server = start(load, ['serve', '-cert', cert, '-key', key], process.env)
  const [text] = await server.saw(/\{.*\}/)
  const { secure } = JSON.parse(text) as { secure: number }
  await using gateway = await startGateway({
    pki,
    host,
    upstreamPort: secure,
    rules: [aRule('no-delete', "http.method == 'DELETE'", 'no')],
    credentials: [aCredential('token', 'bearer_token')],
    secrets: { token: { '': 'bench-secret-0123456789' } },
    isForgetful: true,
  })
  const only = process.argv.slice(2)
  for (const [name, words] of Object.entries(commands)) {
    if (only.length > 0 && !only.includes(name)) continue
    const before = process.cpuUsage()
    const done = await run(load, [...words, '-connect', `127.0.0.1:${gateway.port}`, '-name', host, '-ca', pki.caFile])
    const { user, system } = process.cpuUsage(before)
    const result = JSON.parse(done.stdout) as { count?: number }
    const micros = result.count === undefined ? '' : ` ${((user + system) / result.count).toFixed(1)} us CPU each`
    process.stdout.write(`${name}: ${done.stdout.trim()} ${((user + system) / 1e6).toFixed(2)} s CPU${micros}\n`)
  }
  rmSync(dir, { recursive: true })
}

await main()
