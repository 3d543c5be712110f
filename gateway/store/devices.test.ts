import { describe, expect, it } from 'vitest'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import { devicesOf } from './devices.ts'
import { peersOf } from './peers.ts'
import { scratch } from './scratch.fixture.ts'
import { tokensOf } from './tokens.ts'

const laptop = { name: 'laptop', profile: null, transport: 'wireguard', approvedBy: 'root' } as const

describe('devicesOf()', () => {
  it('creates, finds, changes and lists devices', async () => {
    await using place = scratch()
    const devices = devicesOf(place.database, () => 1000)
    const made = devices.create(laptop)
    expect(made).toEqual({
      ...laptop,
      wholeMachine: false,
      id: made.id,
      blocked: false,
      approvedAt: 1000,
      createdAt: 1000,
      lastSeenAt: null,
      external4: null,
      external6: null,
      pin: null,
      blockedReason: null,
    })
    expect(devices.setProfile(made.id, 'ops' as ProfileName)).toBe(true)
    expect(devices.setBlocked(made.id, true)).toBe(true)
    expect(devices.setExternal(made.id, { external4: '203.0.113.4', external6: '2001:db8::4' })).toBe(true)
    expect(devices.setPin(made.id, 'enforce')).toBe(true)
    expect(devices.get(made.id)).toEqual({
      ...made,
      profile: 'ops',
      blocked: true,
      external4: '203.0.113.4',
      external6: '2001:db8::4',
      pin: 'enforce',
    })
    const second = devices.create(laptop)
    expect(devices.list().map(({ id }) => id)).toEqual([made.id, second.id])
    expect(devices.findByName('laptop')).toHaveLength(2)
    expect(devices.findByName('phone')).toEqual([])
  })

  it('keeps why the gateway blocked a device for as long as it is blocked', async () => {
    await using place = scratch()
    const devices = devicesOf(place.database)
    const { id } = devices.create(laptop)
    const reason = () => devices.get(id)?.blockedReason
    devices.setBlocked(id, true, 'it moved')
    expect(reason()).toBe('it moved')
    devices.setBlocked(id, false)
    expect(reason()).toBeNull()
    devices.setBlocked(id, true, 'it moved')
    devices.setBlocked(id, true)
    expect(reason()).toBeNull()
  })

  it('replaces both addresses of a device at once, and takes its pin back', async () => {
    await using place = scratch()
    const devices = devicesOf(place.database)
    const { id } = devices.create(laptop)
    devices.setExternal(id, { external4: '203.0.113.4', external6: '2001:db8::4' })
    devices.setExternal(id, { external4: '203.0.113.5', external6: null })
    devices.setPin(id, 'warn')
    expect(devices.setPin(id, null)).toBe(true)
    expect(devices.get(id)).toMatchObject({ external4: '203.0.113.5', external6: null, pin: null })
  })

  it('says of a device that is not there that it is not', async () => {
    await using place = scratch()
    const devices = devicesOf(place.database)
    const nobody = 'nobody' as DeviceId
    expect(devices.get(nobody)).toBeNull()
    expect([
      devices.setBlocked(nobody, true),
      devices.setProfile(nobody, null),
      devices.setPin(nobody, 'off'),
      devices.remove(nobody),
    ]).toEqual([false, false, false, false])
    devices.touch(nobody)
    expect(devices.list()).toEqual([])
  })

  it('removes peers and tokens with their device', async () => {
    await using place = scratch()
    const devices = devicesOf(place.database)
    const peers = peersOf(place.database, '10.55.0.0/24')
    const tokens = tokensOf(place.database)
    const { id } = devices.create(laptop)
    const { address4 } = peers.allocate({ publicKey: 'k', device: id, ephemeral: false, run: null })
    const token = tokens.mint(id)
    expect(devices.remove(id)).toBe(true)
    expect(peers.byAddress(address4)).toBeNull()
    expect(tokens.deviceOf(token)).toBeNull()
  })

  it('notes when a device was seen, at most every 30 s, also when the clock is set back', async () => {
    await using place = scratch()
    let now = 1_000_000
    const devices = devicesOf(place.database, () => now)
    const { id } = devices.create(laptop)
    const seen = () => {
      devices.touch(id)
      return devices.get(id)?.lastSeenAt
    }
    expect(seen()).toBe(1_000_000)
    now += 29_000
    expect(seen()).toBe(1_000_000)
    now += 1000
    expect(seen()).toBe(1_030_000)
    now = 5000
    expect(seen()).toBe(5000)
  })
})

describe('tokensOf()', () => {
  it('keeps only hashes, finds the device and forgets all tokens at once', async () => {
    await using place = scratch()
    const { id } = devicesOf(place.database).create(laptop)
    const tokens = tokensOf(place.database, () => 7)
    const [first, second] = [tokens.mint(id), tokens.mint(id)]
    expect(first).toMatch(/^cpt_[\w-]{43}$/)
    expect(first).not.toBe(second)
    expect(JSON.stringify(place.database.sqlite.prepare('SELECT * FROM tokens').all())).not.toContain(first.slice(4))
    expect(tokens.deviceOf(first)).toBe(id)
    expect([tokens.deviceOf(''), tokens.deviceOf(`${first}x`), tokens.deviceOf('x'.repeat(9999))]).toEqual([
      null,
      null,
      null,
    ])
    expect(tokens.revoke(id)).toBe(2)
    expect(tokens.deviceOf(first)).toBeNull()
  })
})
