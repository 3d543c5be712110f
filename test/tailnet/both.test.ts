import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk } from '../support/device.ts'
import { python } from './agent.ts'
import { type ControlNode, controlBuildMs } from './control.ts'
import { type GatewayLab, type GatewayLabOptions, host, type Member, startGatewayLab } from './gateway-lab.ts'
import { echo4, startWorldServers, type WorldServers, worldLines } from './world.ts'

const options: GatewayLabOptions = {
  machines: ['wired', 'tailed', 'plain'],
  gatewayLines: [
    ...worldLines,
    'wireguard {',
    '  subnet_cidr = "10.55.0.0/24"',
    '  listen_port = 51820',
    '  endpoint    = "198.18.0.1:51820"',
    '}',
  ],
  policy: 'profile "bare" {\n  credentials = []\n}\n',
}

describe('a gateway with WireGuard and a tailnet', () => {
  let lab: GatewayLab
  let servers: WorldServers
  const members: { name: string; transport: string; member: Member }[] = []

  beforeAll(async () => {
    lab = await startGatewayLab(options)
    servers = await startWorldServers(lab.lab.world)
    for (const [name, transport] of [
      ['wired', 'wireguard'],
      ['tailed', 'tailscale'],
    ] as const)
      members.push({ name, transport, member: await lab.member(name, ['--transport', transport]) })
  }, controlBuildMs)
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const devices = async () =>
    JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout).devices as readonly {
      readonly name: string
      readonly transport: string
    }[]

  it('lets each machine choose, and takes WireGuard where it does not', async () => {
    await lab.member('plain')
    const listed = (await devices()).map(({ name, transport }) => [name, transport])
    expect(listed.sort()).toEqual([
      ['plain', 'wireguard'],
      ['tailed', 'tailnet'],
      ['wired', 'wireguard'],
    ])
  })

  it('serves both at once, and records each by its name', async () => {
    const done = await Promise.all(
      members.map(({ name, member }) => member.run(['curl', '-sS', `https://${host}/by-${name}`])),
    )
    for (const each of done) expect(expectOk(each).stdout).toContain('"isAuthorized":true')
    const recorded = await lab.records()
    for (const { name } of members)
      expect(recorded.find(({ title }) => String(title).endsWith(`/by-${name}`))).toMatchObject({ device: name })
  })

  it.each(['wired', 'tailed'])('gives %s another profile at once', async (name) => {
    const { member } = find(name)
    await using live = member.startRun(['sh', '-c', asking])
    await live.saw(/^200$/m)
    expectOk(await lab.operator(['profile', 'set', name, 'bare']))
    await live.saw(/^000$/m)
    expectOk(await lab.operator(['profile', 'set', name, 'default']))
    await live.saw(/^000\n(?:.*\n)*200$/m)
  })

  it.each(['wired', 'tailed'])('forgets %s when it is deleted', async (name) => {
    const { member } = find(name)
    await using live = member.startRun(python(chat))
    await live.saw(/1 hello/)
    expectOk(await lab.operator(['device', 'delete', name]))
    await live.saw(/over/)
    const later = await member.run(['true'])
    expect(later).toMatchObject({ code: 2, stdout: '' })
    expect(later.stderr).toContain('clawpatrol join')
    expect((await devices()).some((device) => device.name === name)).toBe(false)
    await lab.control.gone('no node is left', ({ hostname }: ControlNode) => hostname.startsWith(`${name}-run-`))
  })

  function find(name: string): { readonly member: Member } {
    const found = members.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no machine ${name}`)
    return found
  }
})

describe('a gateway in a tailnet alone', () => {
  it('says so to a machine that asks for WireGuard', { timeout: controlBuildMs }, async () => {
    await using lab = await startGatewayLab({ machines: ['wired'], gatewayLines: worldLines })
    await using joining = lab.startJoin('wired', ['--transport', 'wireguard'])
    const { code, stderr } = await joining.finished
    expect(code).toBe(2)
    expect(stderr).toContain('transport wireguard is off: this gateway has tailscale')
  })
})

/** Asks again and again over new connections, and says how each went. */
const asking = `while true; do curl -sS -m 5 -o /dev/null -w '%{http_code}\\n' https://${host}/x; sleep 0.1; done`

/** Exchanges a word ten times a second and says when that ends. */
const chat = `
with socket.create_connection(("${echo4}", 7), 5) as s:
  n = 0
  try:
    while True:
      s.sendall(b"hello"); n += 1
      got = s.recv(100)
      if not got: break
      say(n, got.decode()); time.sleep(0.1)
  except OSError: pass
say("over")`
