import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freeTcpPort, freeUdpPort } from '../../gateway/demo/free-ports.ts'
import { gatewayBlock, labEnvironment } from '../support/lab.ts'
import { clawpatrol, type Finished, run } from '../support/program.ts'

const isRoot = process.geteuid?.() === 0
const profile = 'profile "default" {\n  credentials = []\n}\n'

describe('clawpatrol gateway', () => {
  let dir = ''
  let place = { dir, wireguardPort: 0, apiPort: 0 }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'clawpatrol-refusal-'))
    place = { dir, wireguardPort: await freeUdpPort(), apiPort: await freeTcpPort() }
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const state = () => join(dir, 'state')
  const gateway = (policy = profile, around: readonly string[] = []): Promise<Finished> => {
    const config = join(dir, 'gateway.hcl')
    writeFileSync(config, gatewayBlock(place) + policy)
    const words = [...around, process.execPath, clawpatrol, 'gateway', config]
    return run(words[0] ?? '', words.slice(1), labEnvironment(dir))
  }
  const database = () => {
    mkdirSync(state(), { mode: 0o700 })
    return join(state(), 'clawpatrol.db')
  }
  /** One sentence with a hint, nothing on stdout, no stack. */
  const expectSentence = (done: Finished, sentence: RegExp) => {
    expect(done).toMatchObject({ code: 1, stdout: '' })
    expect(done.stderr).toMatch(sentence)
    expect(done.stderr).toMatch(/^clawpatrol: [^\n]+\nhint: [^\n]+\n$/)
  }

  it('names the TCP port that is in use', async () => {
    const server = createServer().listen(place.apiPort, '127.0.0.1')
    await once(server, 'listening')
    const done = await gateway()
    server.close()
    expectSentence(done, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${place.apiPort}: another program listens there`))
  })

  it('names the UDP port that is in use', async () => {
    const socket = createSocket('udp4')
    socket.bind(place.wireguardPort)
    await once(socket, 'listening')
    const done = await gateway()
    socket.close()
    expectSentence(done, new RegExp(`Cannot listen on UDP port ${place.wireguardPort} for WireGuard: .*in use`))
  })

  it('names a state directory that is a file', async () => {
    writeFileSync(state(), 'a file')
    expectSentence(await gateway(), /Cannot use ".*\/state": .*\((EEXIST|ENOTDIR)\)/)
  })

  it('names a state directory it may not write', async () => {
    mkdirSync(state(), { mode: 0o500 })
    chmodSync(dir, 0o755)
    // for root nothing is unwritable: a read-only file system is
    const readOnly = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'
    const done = await gateway(profile, isRoot ? ['unshare', '-m', 'sh', '-c', readOnly, state()] : [])
    expectSentence(done, /Cannot use ".*\/state": .*\((EACCES|EROFS)\)/)
  })

  it('names a disk without space', async () => {
    mkdirSync(state(), { mode: 0o700 })
    const full = 'mount -t tmpfs -o mode=0700,size=64k tmpfs "$0" && head -c 60000 /dev/zero >"$0/x" && exec "$@"'
    const around = ['unshare', isRoot ? '-m' : '-rm', 'sh', '-c', full, state()]
    expectSentence(await gateway(profile, around), /".*\/clawpatrol\.db": the disk is full/)
  })

  it('names a database that is none, or damaged', async () => {
    const path = database()
    writeFileSync(path, 'this was a database once\n'.repeat(1000))
    expectSentence(await gateway(), /Cannot open ".*\/clawpatrol\.db": the file is damaged or no database/)
  })

  it('names a database of a newer clawpatrol, and leaves it as it is', async () => {
    const path = database()
    const newer = new BetterSqlite(path)
    newer.exec('CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash TEXT, created_at NUMERIC)')
    newer.exec(`INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('from the future', ${9e15})`)
    newer.close()
    expectSentence(await gateway(), /Cannot use ".*\/clawpatrol\.db": a newer clawpatrol made it/)
  })

  it('names a configuration that is not there', async () => {
    const words = ['gateway', join(dir, 'absent.hcl')]
    const done = await run(process.execPath, [clawpatrol, ...words], labEnvironment(dir))
    expect(done).toMatchObject({ code: 1, stdout: '' })
    expect(done.stderr).toMatch(/absent\.hcl/)
    expect(done.stderr).not.toMatch(/^\s+at /m)
  })

  it('shows every error of a configuration with its place, and a secret it lacks is none of them', async () => {
    const done = await gateway(`
endpoint "https" "api" {
  hosts = ["api.example.test"]
  colour = "red"
}
credential "bearer_token" "token" {
  endpoint = https.apo
}
rule "r" {
  endpoint  = https.api
  condition = "http.methd == 'GET'"
  verdict   = "maybe"
}
${profile}`)
    expect(done).toMatchObject({ code: 1, stdout: '' })
    const places = [...done.stderr.matchAll(/^\S+gateway\.hcl:(\d+):\d+: error: (.*)$/gm)].map(([, , what]) => what)
    for (const word of ['colour', 'apo', 'methd', 'maybe']) expect(places.join('\n')).toContain(word)
    expect(done.stderr).toMatch(/\n +\d+ \| .*\n +\| +\^/)
    expect(done.stderr).toMatch(/^clawpatrol: .*gateway\.hcl has errors: the gateway does not start$/m)
    expect(done.stderr).not.toMatch(/^\s+at /m)
  })

  it('without its argument is wrong usage', async () => {
    const done = await run(process.execPath, [clawpatrol, 'gateway'], labEnvironment(dir))
    expect(done).toMatchObject({ code: 2, stdout: '' })
    expect(done.stderr).toMatch(/missing required argument 'config'/)
  })
})
