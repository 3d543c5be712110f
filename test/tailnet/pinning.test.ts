import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk } from '../support/device.ts'
import type { Finished, Running } from '../support/program.ts'
import { until } from '../support/until.ts'
import { controlBuildMs } from './control.ts'
import { type GatewayLab, type Member, startGatewayLab } from './gateway-lab.ts'
import { echo4, startWorldServers, type WorldServers, worldLines } from './world.ts'

/** Says `going` once something comes back, `over` when nothing does any more. */
const talk = `
import socket, time
s = socket.create_connection(("${echo4}", 7), 10); s.settimeout(30)
said = False
try:
  while True:
    s.sendall(b"x")
    if s.recv(9) == b"": break
    if not said: print("going", flush=True); said = True
    time.sleep(0.1)
except OSError: pass
print("over", flush=True)
`
const wireguard = `wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "198.18.0.1:51820"
  }`

describe.each([
  { transport: 'wireguard', name: 'desk', link: 'm1', away: '198.18.250.1', home: '198.18.1.2', near: '198.18.1.1' },
  { transport: 'tailscale', name: 'laptop', link: 'm2', away: '198.18.250.2', home: '198.18.2.2', near: '198.18.2.1' },
])('a device pinned to where it joined, over $transport', ({ transport, name, link, away, home, near }) => {
  let lab: GatewayLab
  let servers: WorldServers
  let member: Member

  beforeAll(async () => {
    const gatewayLines = [...worldLines, 'join_pin = "warn"', wireguard]
    lab = await startGatewayLab({ machines: ['desk', 'laptop'], gatewayLines })
    servers = await startWorldServers(lab.lab.world)
    member = await lab.member(name, ['--transport', transport])
  }, controlBuildMs)
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const operator = async (...words: readonly string[]) => expectOk(await lab.operator(['device', ...words])).stdout
  const shown = async () => JSON.parse(await operator('show', name, '--json'))
  const begin = (): Running => member.startRun(['python3', '-c', talk])
  const once = (): Promise<Finished> =>
    member.run(['python3', '-c', `import socket; socket.create_connection(("${echo4}", 7), 5); print("there")`])
  /** The machine changes its address; `near` is where the world answers from on that link. */
  const move = async (from: string, to: string) => {
    await lab.lab.world.ip(`route replace ${to}/32 dev ${link}`)
    await member.machine.ip(`
      addr add ${to}/32 dev uplink
      addr del ${from === home ? `${from}/30` : `${from}/32`} dev uplink
      route replace 198.18.0.1/32 dev uplink src ${to}
      route replace ${near}/32 dev uplink src ${to}
    `)
  }

  it('is told of when it moves, blocked within 10 s once that is enforced, and let in again where it is', async () => {
    expect(await shown()).toMatchObject({ external4: home, external6: null, pin: null, pinMode: 'warn' })
    await using run = begin()
    await run.saw(/going/, 20_000)
    await move(home, away)
    const [line] = await lab.gateway.saw(/.*"device\.elsewhere".*/, 30_000)
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      device: name,
      expected: [home],
      seen: expect.arrayContaining([away]),
    })
    expect(run.output()).not.toContain('over')

    const since = performance.now()
    await operator('pin', name, 'enforce')
    await until('it is blocked', async () => (await shown()).blocked)
    expect(performance.now() - since).toBeLessThan(10_000)
    await run.saw(/over/, 5000)
    const because = `blocked: the device joined from ${home} and is at `
    expect(await operator('show', name)).toContain(because)
    expect(await operator('list')).toContain(because)
    expect((await once()).stdout).not.toContain('there')

    expect(await operator('unblock', name)).toContain('it is pinned to where it is seen next')
    await using again = begin()
    await again.saw(/going/, 20_000)
    await until('it is pinned', async () => (await shown()).external4 === away)
    expect(await shown()).toMatchObject({ blocked: false, blockedReason: null })

    // and from there it may not move either
    const moved = performance.now()
    await move(away, home)
    await until('it is blocked again', async () => (await shown()).blocked, 30_000)
    expect(performance.now() - moved).toBeLessThan(10_000)
    await again.saw(/over/, 5000)
  }, 180_000)
})
