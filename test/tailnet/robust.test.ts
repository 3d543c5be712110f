import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk } from '../support/device.ts'
import { until } from '../support/until.ts'
import { python } from './agent.ts'
import { type ControlNode, controlBuildMs } from './control.ts'
import { type GatewayLab, host, type Member, startGatewayLab } from './gateway-lab.ts'
import { echo4, startWorldServers, type WorldServers, worldLines } from './world.ts'

const downloadMb = 20
const downloadPort = 8000
const isRun = ({ hostname }: ControlNode) => /-run-[0-9a-f]{6}$/.test(hostname)

describe('runs in bad times', () => {
  let lab: GatewayLab
  let servers: WorldServers
  let laptop: Member
  const killed: string[] = []

  beforeAll(async () => {
    lab = await startGatewayLab({
      machines: ['laptop', { name: 'train', quality: { loss: 0.01, reorder: 0.05 } }, { name: 'hotel', pathMtu: 1280 }],
      gatewayLines: worldLines,
    })
    servers = await startWorldServers(lab.lab.world)
    laptop = await lab.member('laptop')
  }, controlBuildMs)
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  it('killed, leave neither a process nor a node', async () => {
    await using live = laptop.startRun(python(`say(tcp("${echo4}", 7)); time.sleep(600)`))
    await live.saw(/hello/)
    const { id } = await lab.control.node('it is there', isRun)
    live.child.kill('SIGKILL')
    // its end of the output closes with the last process
    await live.finished
    await lab.control.gone('its node is gone', (node) => node.id === id)
    expectOk(await laptop.run(['curl', '-sS', `https://${host}/x`]))
    killed.push(id)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)('go on within 5 s of a restart of the gateway, by %s', async (signal) => {
    await using live = laptop.startRun(['sh', '-c', asking])
    await live.saw(/^200 /m)
    await lab.stop(signal)
    const stoppedAt = Date.now()
    await lab.restart()
    const gap = await until('it is answered again', () => {
      const answers = [...live.output().matchAll(/^200 (\d+)$/gm)].map(([, at]) => Number(at))
      // of a connection that was made after the end of the gateway
      const first = answers.find((at) => at > stoppedAt + 100)
      return first !== undefined && first - stoppedAt
    })
    process.stderr.write(`${signal}: a live run is answered ${gap} ms after the end of the gateway\n`)
    expect(gap).toBeLessThan(5000)
    const began = performance.now()
    expectOk(await laptop.run(['curl', '-sS', `https://${host}/x`]))
    process.stderr.write(
      `${signal}: a run right after the start of the gateway took ${Math.round(performance.now() - began)} ms\n`,
    )
  })

  it.each([
    ['train', 'a link that loses 1 % and reorders'],
    ['hotel', 'a path that takes 1280 bytes'],
  ])('work on %s, %s', { timeout: 90_000 }, async (name) => {
    const { world } = lab.lab
    await using download = world.start([process.execPath, '-e', downloadProgram])
    await download.saw(/listening/)
    const member = await lab.member(name)
    const began = performance.now()
    const program = `
import hashlib
with socket.create_connection(("${echo4}", ${downloadPort}), 10) as s:
  got, size = hashlib.sha256(), 0
  while part := s.recv(1 << 16): got.update(part); size += len(part)
say(size, got.hexdigest())`
    const { stdout } = expectOk(await member.run(python(program)))
    const expected = createHash('sha256')
    for (let index = 0; index < downloadMb; index += 1) expected.update(megabyte(index))
    expect(stdout).toBe(`${downloadMb * 1e6} ${expected.digest('hex')}\n`)
    const loadedMs = performance.now() - began
    const up = 'x'.repeat(100_000)
    await using sending = member.startRun(
      ['curl', '-sS', '--data-binary', '@-', '-w', '%{http_code} ', `https://${host}/[1-50]`],
      up,
    )
    const { stdout: answers } = await sending.finished
    expect(answers.match(/"isAuthorized":true,"bytes":100000\}200 /g)).toHaveLength(50)
    const counts = (await member.machine.link?.counts()) ?? null
    if (counts !== null) expect(counts.lost).toBeGreaterThan(10)
    process.stderr.write(
      `${name}: ${downloadMb} MB in ${Math.round(loadedMs)} ms, with 50 requests of 100 kB ${Math.round(performance.now() - began)} ms ${JSON.stringify(counts)}\n`,
    )
  })

  it('killed, are no runs of their device any more after a while', { timeout: 60_000 }, async () => {
    expect(killed).toHaveLength(1)
    // the test's control server tells nobody who is alone of those that left
    await using live = laptop.startRun(python(`say("up"); time.sleep(600)`))
    await live.saw(/up/)
    await until(
      'the gateway has unbound the node',
      async () => {
        const shown = JSON.parse(expectOk(await lab.operator(['device', 'show', 'laptop', '--json'])).stdout)
        return shown.peers.length === 1
      },
      45_000,
    )
  })
})

describe('a tailnet whose control server comes and goes', () => {
  it('is joined when it is there, told of while it is not, and not needed by live runs', {
    timeout: controlBuildMs,
  }, async () => {
    // with plain HTTP to an address that is not private, a node whose connection broke tries port 443 for a while
    const [address, controlPort] = ['10.99.0.1', '4000']
    const controlUrl = `http://${address}:${controlPort}`
    await using lab = await startGatewayLab({ machines: ['laptop'], controlUrl, gatewayLines: worldLines })
    await lab.lab.world.ip(`addr add ${address}/32 dev lo`)
    await lab.lab.machine('laptop').ip(`route add ${address}/32 via 198.18.1.1 dev uplink`)
    await using servers = await startWorldServers(lab.lab.world)
    expect(servers.started).not.toEqual([])
    const open = async () => {
      const door = fileURLToPath(new URL('./door.mjs', import.meta.url))
      const { host: behind } = new URL(lab.control.controlUrl)
      const opened = lab.lab.world.start([process.execPath, door, address, controlPort, behind])
      await opened.saw(/open/)
      return opened
    }
    const status = async () => expectOk(await lab.operator(['status', '--gateway'])).stdout
    expect(lab.gateway.output()).toContain('tailnet.down')
    expect(await status()).toMatch(
      /tailnet +down.*\n +The gateway cannot reach the tailnet's control server "http:\/\/10\.99\.0\.1:4000": .*connect: /,
    )
    await using first = await open()
    await lab.gateway.saw(/tailnet\.routes"/, 30_000)
    expect(await status()).toMatch(/tailnet +gateway\.tail\.test 100\./)
    const laptop = await lab.member('laptop')
    await using live = laptop.startRun(['sh', '-c', asking])
    await live.saw(/^200 /m)
    await first[Symbol.asyncDispose]()
    const began = Date.now()
    const refused = await laptop.run(['true'])
    process.stderr.write(`a run said after ${Date.now() - began} ms that there is no control server\n`)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain("Cannot reach the tailnet's control server")
    // the live one noticed nothing
    const answers = live
      .output()
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
    expect(answers.filter(([status]) => status !== '200')).toEqual([])
    expect(answers.filter(([, at]) => Number(at) > began).length).toBeGreaterThan(10)
    await using second = await open()
    expect(second.child.exitCode).toBeNull()
    const openedAt = Date.now()
    await lab.control.node('the gateway is back', ({ hostname, online }) => hostname === 'gateway' && online, 60_000)
    process.stderr.write(`the gateway was back ${Date.now() - openedAt} ms after its control server\n`)
    expectOk(await laptop.run(['curl', '-sS', `https://${host}/x`]))
    live.child.kill('SIGTERM')
    await live.finished
    await lab.control.gone('no node is left', isRun)
  })
})

/** Asks again and again over new connections; how and when each was answered. */
const asking = `while true; do
  printf '%s %s\\n' "$(curl -s -m 1 -o /dev/null -w '%{http_code}' https://${host}/x)" "$(date +%s%3N)"; sleep 0.1
done`

function megabyte(index: number): Buffer {
  const bytes = Buffer.alloc(1e6)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 7 + index) % 256
  return bytes
}

const downloadProgram = `
const megabyte = ${megabyte.toString()}
require('node:net').createServer(async (stream) => {
  stream.on('error', () => undefined)
  for (let index = 0; index < ${downloadMb}; index += 1)
    if (!stream.write(megabyte(index))) await new Promise((next) => stream.once('drain', next).once('close', next))
  stream.end()
}).listen(${downloadPort}, '${echo4}', () => console.log('listening'))`
