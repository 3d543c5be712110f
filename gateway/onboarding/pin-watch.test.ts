import { describe, expect, it, onTestFinished } from 'vitest'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import type { EnrolRequest } from '../../onboard/server/ports.ts'
import { type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import { PinWatch, type PinWatchParts } from './pin-watch.ts'
import type { PinMode } from './pinning.ts'

const home = '198.51.100.7'
const away = '203.0.113.9'

describe('PinWatch over WireGuard', () => {
  it('lets a device be wherever it is when the policy says off, and looks at nothing', async () => {
    const watch = aWatch('off', { wireguard: { peers: unreadable, transport: unreadable } })
    const { device, publicKey } = await watch.device()
    watch.hear(publicKey, away)
    await watch.pins.look()
    expect([watch.said, watch.blocked(device)]).toEqual([[], false])
  })

  it('says nothing of a device that is where it joined, or has not been heard yet', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    await watch.pins.look()
    watch.hear(publicKey, home)
    await watch.pins.look()
    expect([watch.said, watch.blocked(device)]).toEqual([[], false])
  })

  it('warns once for each change', async () => {
    const watch = aWatch('warn')
    const { device, publicKey } = await watch.device()
    const said = { device: 'laptop', id: device, expected: [home] }
    for (const address of [away, away, '2001:db8::9', home, away]) {
      watch.hear(publicKey, address)
      await watch.pins.look()
      await watch.pins.look()
    }
    expect(watch.said).toEqual([
      ['device.elsewhere', { ...said, seen: [away] }],
      ['device.elsewhere', { ...said, seen: ['2001:db8::9'] }],
      ['device.elsewhere', { ...said, seen: [away] }],
    ])
    expect(watch.blocked(device)).toBe(false)
  })

  it('blocks at once what is to be enforced: peers out, flows ended, the reason kept', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    const stranger = await watch.device('phone')
    watch.hear(publicKey, away)
    watch.hear(stranger.publicKey, home)
    await watch.pins.look()
    await watch.pins.look()
    expect(watch.lab.devices.get(device)).toMatchObject({
      blocked: true,
      blockedReason: `the device joined from ${home} and is at ${away}`,
    })
    expect([...watch.lab.transport.table.keys()]).toEqual([stranger.publicKey])
    expect(watch.lab.ended).toEqual([{ device, because: 'the device was blocked' }])
    expect(watch.said).toEqual([
      ['device.elsewhere_blocked', expect.objectContaining({ hint: `clawpatrol device unblock ${device}` })],
    ])
  })

  it('looks at the runs of a device too', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    const run = newKeyPair().publicKey
    await watch.lab.runs.open({ device, publicKey: run, name: 'x' })
    watch.hear(publicKey, home)
    watch.hear(run, away)
    await watch.pins.look()
    expect(watch.blocked(device)).toBe(true)
    expect(watch.lab.peers.list().map((peer) => peer.publicKey)).toEqual([publicKey])
  })

  it('pins a device that was let in again to where it is seen next, and blocks it when it moves from there', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    watch.hear(publicKey, away)
    await watch.pins.look()
    await watch.lab.registry.unblock(device)
    expect(watch.lab.devices.get(device)).toMatchObject({ blocked: false, blockedReason: null, external4: null })
    await watch.pins.look()
    expect(watch.lab.devices.get(device)?.external4).toBeNull()
    watch.hear(publicKey, away)
    await watch.pins.look()
    expect(watch.lab.devices.get(device)).toMatchObject({ external4: away, external6: null, blocked: false })
    expect(watch.said.at(-1)).toEqual(['device.pinned', { device: 'laptop', id: device, to: [away] }])
    watch.hear(publicKey, home)
    await watch.pins.look()
    expect(watch.blocked(device)).toBe(true)
  })

  it('pins to one place only when a device is heard from two', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    const run = newKeyPair().publicKey
    await watch.lab.registry.unblock(device)
    await watch.lab.runs.open({ device, publicKey: run, name: 'x' })
    watch.hear(publicKey, home)
    watch.hear(run, away)
    await watch.pins.look()
    expect(watch.lab.devices.get(device)).toMatchObject({ external4: home, blocked: true })
  })

  it('follows what the policy says now, and what is said of the device before that', async () => {
    const watch = aWatch('off')
    const { device, publicKey } = await watch.device()
    watch.hear(publicKey, away)
    watch.set.mode = 'enforce'
    watch.lab.devices.setPin(device, 'warn')
    await watch.pins.look()
    expect(watch.said.map(([event]) => event)).toEqual(['device.elsewhere'])
    watch.lab.devices.setPin(device, 'off')
    await watch.pins.look()
    expect([watch.said.length, watch.blocked(device)]).toEqual([1, false])
    watch.lab.devices.setPin(device, null)
    await watch.pins.look()
    expect(watch.blocked(device)).toBe(true)
  })

  it('holds nobody but those under enforce while the server cannot be asked, and lets them on afterwards', async () => {
    let isBroken = true
    const lab = onboardLab()
    const transport = {
      peers: () => {
        if (isBroken) throw new Error('broken')
        return lab.transport.peers()
      },
    }
    const watch = aWatch('enforce', { wireguard: { peers: lab.peers, transport } }, lab)
    const { device } = await watch.device()
    const free = await watch.device('phone')
    lab.devices.setPin(free.device, 'warn')
    const held = () => [device, free.device].map((id) => watch.held(id))
    await watch.pins.look()
    expect(held()).toEqual([false, false])
    await watch.pins.look()
    await watch.pins.look()
    expect([held(), watch.set.rechecks]).toEqual([[true, false], 1])
    expect(watch.said.map(([event]) => event)).toEqual(['device.pin_unknown'])
    isBroken = false
    await watch.pins.look()
    expect([held(), watch.set.rechecks, watch.blocked(device)]).toEqual([[false, false], 2, false])
  })

  it('holds a device that cannot be blocked until it can', async () => {
    const watch = aWatch('enforce')
    const { device, publicKey } = await watch.device()
    watch.hear(publicKey, away)
    const { block } = watch.set
    watch.set.block = () => Promise.reject(new Error('the disk is full'))
    await watch.pins.look()
    await watch.pins.look()
    expect([watch.blocked(device), watch.held(device), watch.set.rechecks]).toEqual([false, true, 1])
    expect(watch.said.map(([event]) => event)).toEqual(['device.pin_check'])
    watch.set.block = block
    await watch.pins.look()
    expect([watch.blocked(device), watch.held(device)]).toEqual([true, false])
  })

  it('goes on when live flows cannot be judged again', async () => {
    const watch = aWatch('enforce', { wireguard: { peers: unreadable, transport: unreadable } })
    const { device } = await watch.device()
    watch.set.recheck = () => {
      throw new Error('broken')
    }
    await watch.pins.look()
    await watch.pins.look()
    expect([watch.held(device), watch.said.map(([event]) => event)]).toEqual([
      true,
      ['device.pin_unknown', 'device.pin_recheck'],
    ])
  })

  it('looks by itself, and soon after a new run', async () => {
    const watch = aWatch('warn', { everyMs: 10 })
    const { publicKey } = await watch.device()
    watch.hear(publicKey, away)
    await watch.heard
    expect(watch.said[0]?.[0]).toBe('device.elsewhere')
    const slow = aWatch('warn', { everyMs: 3_600_000 })
    const other = await slow.device()
    slow.hear(other.publicKey, away)
    slow.pins.soon()
    slow.pins.soon()
    await slow.heard
    expect(slow.said).toHaveLength(1)
  })
})

describe('PinWatch over a tailnet', () => {
  const node = (device: DeviceId, stableId: string) => ({
    stableId,
    device,
    address4: '100.64.1.1',
    address6: null,
    ephemeral: true,
    run: stableId,
  })

  it.each([
    ['fits where it joined', home, `${home}:41641`, false],
    ['is elsewhere', home, `${away}:41641`, true],
    ['is elsewhere over IPv6', home, '[2606:4700::9]:41641', true],
    // the tailnet found a shorter way to it than it joined by
    ['joined over the internet and is reached at home', '8.8.8.8', '192.168.1.5:41641', false],
    ['joined over the internet and is elsewhere there', '8.8.8.8', '9.9.9.9:41641', true],
    ['joined at home and is there', '192.168.1.5', '192.168.1.5:41641', false],
    ['joined at home and is elsewhere', '192.168.1.5', '9.9.9.9:41641', true],
    ['cannot be seen behind a relay', home, null, false],
  ])('a device that %s', async (_what, source, endpoint, isBlocked) => {
    const seen = new Map<string, string>()
    const watch = aWatch('enforce', { seen })
    const { device } = await watch.device('laptop', { transport: overTailnet, source })
    watch.lab.tailnet.nodes.bind(node(device, 'n1'))
    if (endpoint !== null) seen.set('n1', endpoint)
    // nobody's node
    seen.set('n2', `${away}:1`)
    await watch.pins.look()
    expect(watch.blocked(device)).toBe(isBlocked)
  })

  it('registers nothing of a join that came through the tailnet itself, but where the node is then', async () => {
    const watch = aWatch('enforce', { seen: new Map([['n1', `${away}:41641`]]) })
    const { device } = await watch.device('laptop', { transport: overTailnet, source: null })
    watch.lab.tailnet.nodes.bind(node(device, 'n1'))
    expect(watch.lab.devices.get(device)).toMatchObject({ external4: null, external6: null })
    await watch.pins.look()
    expect(watch.lab.devices.get(device)).toMatchObject({ external4: away, blocked: false })
  })

  it('holds devices under enforce when the node does not answer in time', async () => {
    const tailnet = { nodes: { list: () => [] }, endpoints: () => new Promise<never>(() => undefined) }
    const watch = aWatch('enforce', { tailnet, answerMs: 1 })
    const { device } = await watch.device('laptop', { transport: overTailnet })
    const other = await watch.device('phone')
    await watch.pins.look()
    await watch.pins.look()
    expect([watch.held(device), watch.held(other.device)]).toEqual([true, false])
  })
})

const overTailnet = { kind: 'tailscale', isWholeMachine: false } as const
const unreadable = {
  list: () => {
    throw new Error('nobody should look')
  },
  peers: () => {
    throw new Error('nobody should look')
  },
}

type More = Partial<Pick<PinWatchParts, 'wireguard' | 'tailnet' | 'everyMs' | 'answerMs'>> & {
  readonly seen?: ReadonlyMap<string, string>
}

/** A watch over a registry with both transports, and what it said and did. */
function aWatch(
  mode: PinMode,
  { seen = new Map(), ...more }: More = {},
  lab: OnboardLab = onboardLab({ transports: ['wireguard', 'tailscale'] }),
) {
  const said: [event: string, fields: unknown][] = []
  let spoken = () => {}
  const heard = new Promise<void>((resolve) => {
    spoken = resolve
  })
  const say = (event: string, fields?: unknown) => {
    said.push([event, fields])
    spoken()
  }
  const set = {
    mode,
    rechecks: 0,
    recheck: () => {
      set.rechecks += 1
    },
    block: (device: DeviceId, because: string): Promise<unknown> => lab.registry.block(device, because),
  }
  const pins = new PinWatch({
    devices: lab.devices,
    mode: () => set.mode,
    wireguard: { peers: lab.peers, transport: lab.transport },
    tailnet: { nodes: lab.tailnet.nodes, endpoints: async () => seen },
    log: { info: say, warn: say, error: say },
    everyMs: 3_600_000,
    ...more,
  })
  pins.start({
    block: (device, because) => set.block(device, because),
    recheck: () => set.recheck(),
  })
  onTestFinished(async () => {
    await pins[Symbol.asyncDispose]()
    await lab[Symbol.asyncDispose]()
  })
  return {
    set,
    lab,
    said,
    heard,
    pins,
    blocked: (device: DeviceId) => lab.devices.get(device)?.blocked,
    held: (device: DeviceId) => {
      const found = lab.devices.get(device)
      return found === null ? null : pins.isHeld(found)
    },
    hear: (publicKey: string, address: string) => {
      lab.transport.endpoints.set(publicKey, address.includes(':') ? `[${address}]:51820` : `${address}:51820`)
    },
    async device(name = 'laptop', request: Partial<EnrolRequest> = {}) {
      const { publicKey } = newKeyPair()
      const { enrolment } = await lab.registry.enrol({
        name,
        profile: null,
        approvedBy: 'ops',
        transport: { kind: 'wireguard', publicKey, isWholeMachine: false },
        rejoinOf: null,
        source: home,
        ...request,
      })
      return { device: enrolment.device, publicKey }
    },
  }
}
