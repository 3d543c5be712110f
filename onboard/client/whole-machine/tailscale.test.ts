import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { dial, hostOf, join203, killedAt, script, serve } from '../../../test/support/joined-machine.ts'
import { connect, type Machine, type Snapshot, startMachine } from '../../../test/support/machine.ts'
import { mayRoute } from '../../../test/support/may-route.ts'
import { type Running, start } from '../../../test/support/program.ts'
import { until } from '../../../test/support/until.ts'
import { buildTailscale, tailscaleBuildMs } from '../../../test/tailnet/build-tailscale.ts'
import { type Control, startControl } from '../../../test/tailnet/control.ts'
import { type PlainNode, startNode } from '../../../test/tailnet/node.ts'
import { prepareDir } from '../save-identity.ts'
import { routeWholeMachine, unrouteWholeMachine } from './mode.ts'

const worldAddress = '198.18.0.1'
const echoPort = 7007

const subject = 'whole-machine routing with Tailscale'

describe.runIf(mayRoute(subject, 'tailscale'))(subject, { timeout: 120_000 }, () => {
  let root = ''
  let dir = ''
  let home = ''
  let machine: Machine
  let world: Machine
  let control: Control
  let gateway: PlainNode
  let before: Snapshot
  let preferred: object
  let daemon: Running
  const claims: string[] = []

  beforeAll(async () => {
    vi.stubEnv('PATH', `${await buildTailscale()}:${process.env.PATH}`)
    machine = await startMachine()
    world = await startMachine()
    await connect(
      { machine, name: 'eth0', addresses: ['198.18.0.2/24', '2001:db8::2/64', 'fe80::2/64'] },
      { machine: world, name: 'eth0', addresses: [`${worldAddress}/24`, '2001:db8::1/64', 'fe80::1/64'] },
    )
    await script(machine, `ip route add default via ${worldAddress}; ip -6 route add default via 2001:db8::1`)
    await script(
      world,
      `ip addr add 198.51.100.7/32 dev lo; ip addr add 2001:db8:7::7/128 dev lo nodad; ip route add default via 198.18.0.2`,
    )
    await script(machine, 'echo nameserver 192.0.2.53 > /etc/resolv.conf')
    control = await startControl({ within: world.inside, listen: worldAddress })
    const { key } = await control.mint({ tags: ['tag:gateway'] })
    gateway = await startNode(control, {
      within: world.inside,
      hostname: 'gateway',
      authKey: key,
      advertise: ['0.0.0.0/0', '::/0'],
    })
    await gateway.listen(echoPort)
  }, tailscaleBuildMs)
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    await control?.[Symbol.asyncDispose]()
    await world?.[Symbol.asyncDispose]()
    await machine?.[Symbol.asyncDispose]()
    vi.unstubAllEnvs()
  })
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'clawpatrol-whole-'))
    dir = join(root, 'client')
    home = join(root, 'home')
    prepareDir(home)
    const [gateway_ip = ''] = gateway.addresses
    join203(dir, {
      mode: 'tailscale',
      gateway: 'https://gateway.tail.test',
      tailnet: { gateway_ip, gateway_url: 'http://127.0.0.1:9', control_url: control.controlUrl },
    })
    claims.length = 0
    // a new one each time: one that logged out takes two minutes until it asks a control server without TLS again
    await script(machine, 'rm -rf /run/tailscale; mkdir /run/tailscale')
    const words = ['tailscaled', '--statedir=/run/tailscale', '--no-logs-no-support', '--port=0']
    const [command = '', ...args] = machine.inside(words)
    daemon = start(command, args, process.env)
    await until('tailscaled answers', async () => (await machine.run(['tailscale', 'status', '--json'])).code === 0)
    before = await machine.snapshot()
    preferred = await preferences(machine)
    writeFileSync(join(dir, 'tsnet-auth-key'), (await control.mint({ tags: ['tag:agent'] })).key)
  })
  afterEach(async () => {
    await unrouteWholeMachine(dir, hostOf(machine))
    daemon.child.kill('SIGTERM')
    await daemon.finished
    rmSync(root, { recursive: true })
  })

  // through the tailnet: its gateway node echoes
  const claim = async (token: string, tailnet: { readonly gatewayIp: string }) => {
    const code = `require('net').connect(${echoPort}, '${tailnet.gatewayIp}').on('connect', function () { this.end('${token}') })
      .pipe(process.stdout)`
    claims.push((await machine.run([process.execPath, '-e', code])).stdout)
  }

  const route = () => routeWholeMachine(dir, { host: hostOf(machine), home, claim })
  const unroute = () => unrouteWholeMachine(dir, hostOf(machine))
  const expectAsBefore = async () => {
    expect(await machine.snapshot()).toEqual(before)
    expect(await preferences(machine)).toEqual(preferred)
    expect(readdirSync(dir).filter((name) => /install|whole/.test(name))).toEqual([])
  }

  it('makes the gateway the exit node once it was told of this node, and brings back every byte', async () => {
    expect(await route()).toEqual({ kind: 'up', how: 'Tailscale, exit node 100.64.0.1' })
    expect(claims).toEqual(['cpt_x'])
    expect(await script(machine, 'cat /etc/resolv.conf')).toMatch(/^#.*\nnameserver 100\.64\.0\.1\n$/)
    expect(await preferences(machine)).toMatchObject({ ExitNodeID: gateway.id, CorpDNS: false, RouteAll: true })
    expect((await unroute()).filter(({ left }) => left !== null)).toEqual([])
    await expectAsBefore()
    await control.node('the node logged out', ({ hostname, expired }) => hostname === 'laptop' && expired)
  })

  it('sends what the machine begins through the gateway, and answers others where they came from', async () => {
    await using far = await serve(world, '198.51.100.7', 7000)
    await using near = await serve(machine, '::', 2222)
    await using ssh = await serve(machine, '0.0.0.0', 22)
    await route()
    expect(await dial(machine, '198.51.100.7', 7000)).toBe('198.51.100.7')
    expect(await dial(world, '198.18.0.2', 2222, '198.51.100.7')).toBe('::ffff:198.51.100.7')
    expect(await dial(world, '198.18.0.2', 22, '198.51.100.7')).toBe('198.51.100.7')
    expect(await dial(world, '2001:db8::2', 2222, '2001:db8:7::7')).toBe('2001:db8:7::7')
    await unroute()
    expect(await dial(machine, '198.51.100.7', 7000)).toBe('198.18.0.2')
    for (const each of [far, near, ssh]) expect(each.child.exitCode).toBeNull()
  })

  it('never shows the key in the arguments of a program, nor leaves it in a file', async () => {
    const sound = hostOf(machine)
    const said: string[] = []
    const asRoot = (words: readonly string[], input?: Uint8Array) => {
      said.push(words.join(' '))
      return sound.asRoot(words, input)
    }
    await routeWholeMachine(dir, { host: { ...sound, asRoot }, home, claim })
    expect(said.filter((each) => each.includes('tskey'))).toEqual([])
    expect(said).toContainEqual(expect.stringContaining('--authkey=file:/dev/stdin'))
  })

  it.each([
    ['tailscale', 'before'],
    ['tailscale', 'after'],
    ['ip', 'before'],
    ['ip 4', 'after'],
    ['tailscale 2', 'before'],
    ['tailscale 2', 'after'],
    ['writing', 'before'],
    ['writing', 'after'],
  ] as const)('killed at "%s", %s it: the next command brings everything back', async (step, when) => {
    const { host, killed } = killedAt(step, when, hostOf(machine))
    const routed = routeWholeMachine(dir, { host, home, claim }).then(() => 'was not killed')
    expect(await Promise.race([routed, killed])).toBe('killed')
    await unroute()
    await expectAsBefore()
  })

  it('leaves a tailnet before its own addresses lose their way out', async () => {
    await route()
    const undone = (await unroute()).map(({ label }) => label)
    const exit = undone.indexOf('no exit node any more')
    const rules = undone.findIndex((label) => label.startsWith('routing rule'))
    expect([exit >= 0, rules > exit, undone.at(-1)]).toEqual([true, true, 'tailnet left'])
  })

  it('stays out of a tailnet whose gateway refuses this device', async () => {
    const refuse = () => Promise.reject(new Error('not known'))
    await expect(routeWholeMachine(dir, { host: hostOf(machine), home, claim: refuse })).rejects.toThrow('not known')
    await expectAsBefore()
  })

  it('says so when the gateway is not approved as an exit node', async () => {
    const { id, enabledRoutes } = await control.node('the gateway', ({ hostname }) => hostname === 'gateway')
    await control.tailnet({ autoApprove: false })
    await control.change(id, { approvedRoutes: [] })
    await expect(route()).rejects.toThrow('is not approved as an exit node')
    await control.tailnet({ autoApprove: true })
    await control.change(id, { approvedRoutes: enabledRoutes })
    await expectAsBefore()
  })

  it('refuses a machine that is in a tailnet already', async () => {
    await route()
    await expect(route()).rejects.toThrow("This machine's Tailscale is in a tailnet already")
  })
})

/** What people set on this machine's Tailscale. */
async function preferences(machine: Machine): Promise<object> {
  const { LoggedOut: _never, ...preferences } = JSON.parse(await script(machine, 'tailscale debug prefs'))
  return preferences
}
