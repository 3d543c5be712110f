import { describe, expect, it, onTestFinished } from 'vitest'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import type { CredentialName, EndpointName, ProfileName } from '../../workers/contract/ids.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import { changesOf } from '../store/database.ts'
import { deviceLookup } from './lookup.ts'
import { placeholderVariables } from './placeholders.ts'
import { firstHandshakeMs, silentMs } from './runs.ts'
import { tunnelFacts } from './tunnel-facts.ts'

describe('deviceRegistry()', () => {
  it('blocks at once: peers out of the transport, runs forgotten, flows ended', async () => {
    const lab = aLab()
    const { device, publicKey } = await aDevice(lab)
    const run = newKeyPair().publicKey
    await lab.runs.open({ device, publicKey: run, name: 'x' })
    expect([...lab.transport.table.keys()]).toEqual([publicKey, run])
    expect(await lab.registry.block(device)).toBe(true)
    expect(lab.transport.table.size).toBe(0)
    expect(lab.peers.list().map((peer) => peer.publicKey)).toEqual([publicKey])
    expect(lab.ended).toEqual([{ device, because: 'the device was blocked' }])
    expect(await lab.registry.unblock(device)).toBe(true)
    expect([...lab.transport.table]).toEqual([[publicKey, ['10.55.0.2', 'fd77::2']]])
  })

  it('keeps why the gateway blocked a device, and forgets it with where it joined from when it is let in', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    await lab.registry.block(device, 'it moved')
    expect(lab.devices.get(device)).toMatchObject({ blockedReason: 'it moved', external4: '192.0.2.7' })
    await lab.registry.unblock(device)
    expect(lab.devices.get(device)).toMatchObject({ blockedReason: null, external4: null, external6: null })
  })

  it('registers where a device joined from, and both families anew when it joins again', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    const pair = () => {
      const { external4, external6 } = lab.devices.get(device) ?? {}
      return [external4, external6]
    }
    expect(pair()).toEqual(['192.0.2.7', null])
    const again = async (source: string | null) => {
      const transport = { kind: 'wireguard', publicKey: newKeyPair().publicKey, isWholeMachine: false } as const
      await lab.registry.enrol({ name: 'x', profile: null, approvedBy: 'ops', transport, rejoinOf: device, source })
      return pair()
    }
    expect(await again('2001:DB8:0::7')).toEqual([null, '2001:db8::7'])
    expect(await again('::ffff:198.51.100.1')).toEqual(['198.51.100.1', null])
    expect(await again(null)).toEqual([null, null])
  })

  it('forgets a device with its tokens, peers and flows', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    const token = lab.registry.issueToken(device)
    await lab.registry.leave(device)
    expect([lab.registry.ofToken(token), lab.devices.get(device), lab.peers.list(), lab.transport.table.size]).toEqual([
      null,
      null,
      [],
      0,
    ])
    expect(lab.ended).toHaveLength(1)
  })

  it('gives an address to nobody else while the peer that had it is in the transport', async () => {
    const lab = aLab()
    const { device, publicKey } = await aDevice(lab)
    const removePeer = lab.transport.removePeer.bind(lab.transport)
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    lab.transport.removePeer = async (key) => {
      await opened
      await removePeer(key)
    }
    const leaving = lab.registry.leave(device)
    const joining = aDevice(lab)
    await new Promise(setImmediate)
    expect([lab.transport.table.has(publicKey), lab.peers.list()]).toEqual([true, []])
    open()
    await Promise.all([leaving, joining])
    expect([...lab.transport.table.values()]).toEqual([['10.55.0.2', 'fd77::2']])
  })

  it('ends the flows of a device that gets another profile', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    expect(lab.registry.setProfile(device, 'coder' as ProfileName)).toBe(true)
    expect(lab.ended).toEqual([{ device, because: 'the device got another profile' }])
  })

  it('changes nothing for a device that is not there', async () => {
    const lab = aLab()
    const nobody = 'nobody' as never
    expect([await lab.registry.block(nobody), await lab.registry.unblock(nobody)]).toEqual([false, false])
    expect(lab.registry.setProfile(nobody, null)).toBe(false)
    expect(lab.ended).toEqual([])
  })

  it('restores after a restart who was let in, without the blocked and without runs', async () => {
    const lab = aLab()
    const one = await aDevice(lab)
    const blocked = await aDevice(lab)
    await lab.runs.open({ device: one.device, publicKey: newKeyPair().publicKey, name: 'x' })
    await lab.registry.block(blocked.device)
    lab.transport.table.clear()
    expect(await lab.registry.restore()).toEqual({ peers: 1 })
    expect([...lab.transport.table.keys()]).toEqual([one.publicKey])
    expect(lab.peers.list().filter(({ ephemeral }) => ephemeral)).toEqual([])
  })
})

describe('runs()', () => {
  it('sweeps a run that never shook hands after ten minutes', async () => {
    const lab = aLab()
    const { device, publicKey } = await aDevice(lab)
    await lab.runs.open({ device, publicKey: newKeyPair().publicKey, name: 'x' })
    lab.clock.now += firstHandshakeMs
    expect(await lab.runs.sweep()).toBe(0)
    lab.clock.now += 1
    expect(await lab.runs.sweep()).toBe(1)
    expect([...lab.transport.table.keys()]).toEqual([publicKey])
    expect(lab.peers.list()).toHaveLength(1)
  })

  it('keeps a run that goes on shaking hands and sweeps it once it is silent', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    const { publicKey } = newKeyPair()
    await lab.runs.open({ device, publicKey, name: 'x' })
    for (let handshake = 1; handshake <= 20; handshake++) {
      lab.transport.handshakes.set(publicKey, handshake)
      expect(await lab.runs.sweep()).toBe(0)
      lab.clock.now += 120_000
    }
    lab.clock.now += silentMs - 120_000
    expect(await lab.runs.sweep()).toBe(0)
    lab.clock.now += 1
    expect(await lab.runs.sweep()).toBe(1)
    expect(lab.transport.table.has(publicKey)).toBe(false)
  })

  it('never sweeps a device', async () => {
    const lab = aLab()
    await aDevice(lab)
    lab.clock.now += 10 * silentMs
    expect(await lab.runs.sweep()).toBe(0)
    expect(lab.transport.table.size).toBe(1)
  })
})

describe('deviceLookup()', () => {
  it('knows devices and their runs by either address, and nobody else', async () => {
    const lab = aLab()
    const { device } = await aDevice(lab)
    const run = await lab.runs.open({ device, publicKey: newKeyPair().publicKey, name: 'x' })
    const lookup = deviceLookup({ ...lab, changes: changesOf(lab.database) }, () => 'default' as ProfileName)
    const known = { id: device, name: 'laptop', user: null, profile: 'default', isApproved: true, isBlocked: false }
    for (const address of ['10.55.0.2', 'fd77::2', run.address4, run.address6])
      expect(lookup.byAddress(address)).toEqual(known)
    for (const address of ['10.55.0.1', '10.55.0.3', 'fd77::', '', 'x']) expect(lookup.byAddress(address)).toBeNull()
    lab.devices.setBlocked(device, true)
    lab.devices.setProfile(device, 'coder' as ProfileName)
    expect(lookup.byAddress('10.55.0.2')).toEqual({ ...known, profile: 'coder', isBlocked: true })
    await lab.runs.close(device, run.id)
    expect(lookup.byAddress(run.address4)).toBeNull()
  })

  it('calls a device blocked for as long as it is held', async () => {
    const lab = aLab()
    await aDevice(lab)
    let isHeld = true
    const lookup = deviceLookup({ ...lab, changes: changesOf(lab.database), isHeld: () => isHeld }, () => null)
    expect(lookup.byAddress('10.55.0.2')?.isBlocked).toBe(true)
    isHeld = false
    expect(lookup.byAddress('10.55.0.2')?.isBlocked).toBe(false)
  })
})

describe('tunnelFacts()', () => {
  const server = { address4: '10.55.0.1', address6: 'fd77::1' }

  it('puts an IPv6 endpoint in brackets', () => {
    const wireguard = { endpoint: { host: '2001:db8::1', port: 51820 }, subnetCidr: '10.55.0.0/24' }
    const facts = tunnelFacts({ wireguard, server, publicKey: 'k', mtu: 1420 })
    expect(facts.tunnel()).toMatchObject({ endpoint: '[2001:db8::1]:51820', dns: ['10.55.0.1'], mtu: 1420 })
  })

  it('tells addresses of peers from others', () => {
    const wireguard = { endpoint: { host: '192.0.2.1', port: 1 }, subnetCidr: '10.55.0.0/24' }
    const { isInsideTunnel } = tunnelFacts({ wireguard, server, publicKey: 'k', mtu: 1420 })
    const inside = ['10.55.0.1', '10.55.0.255', '::ffff:10.55.0.9', '::FFFF:10.55.0.9', 'fd77::9']
    const outside = ['10.55.1.1', '127.0.0.1', '::1', 'fd78::1', '', 'x']
    expect(inside.filter(isInsideTunnel)).toEqual(inside)
    expect(outside.filter(isInsideTunnel)).toEqual([])
  })
})

describe('placeholderVariables()', () => {
  it('names each placeholder once, by its credential', () => {
    const use = (name: string, placeholder?: string) => ({
      name: name as CredentialName,
      type: 'bearer_token',
      settings: {},
      disambiguator: placeholder === undefined ? {} : { placeholder },
    })
    const endpoint = (name: string, ...credentials: ReturnType<typeof use>[]) => ({
      name: name as EndpointName,
      protocol: 'https',
      hosts: [],
      settings: {},
      credentials,
      rules: [],
    })
    const profile = {
      endpoints: [
        endpoint('a', use('stripe-live', 'PH_live'), use('plain')),
        endpoint('b', use('stripe-live', 'PH_live')),
      ],
    } as unknown as Profile
    expect(placeholderVariables(profile)).toEqual([
      {
        name: 'CLAWPATROL_STRIPE_LIVE',
        value: 'PH_live',
        description: 'stands for the secret of stripe-live at a',
        plugin_type: 'bearer_token',
      },
    ])
    expect(placeholderVariables(null)).toEqual([])
  })
})

function aLab(): OnboardLab {
  const lab = onboardLab()
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}

async function aDevice(lab: OnboardLab) {
  const { publicKey } = newKeyPair()
  const { enrolment } = await lab.registry.enrol({
    name: 'laptop',
    profile: null,
    approvedBy: 'ops',
    transport: { kind: 'wireguard', publicKey, isWholeMachine: false },
    rejoinOf: null,
    source: '192.0.2.7',
  })
  return { device: enrolment.device, publicKey }
}
