import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { devicesOf } from './devices.ts'
import { type Peers, peersOf } from './peers.ts'
import { scratch } from './scratch.fixture.ts'

function aDevice(database: Database) {
  return devicesOf(database).create({ name: 'd', profile: null, transport: 'wireguard', approvedBy: 'x' }).id
}

function allocating(peers: Peers, database: Database) {
  const device = aDevice(database)
  return (publicKey: string, ephemeral = false) =>
    peers.allocate({ publicKey, device, ephemeral, run: ephemeral ? `run-${publicKey}` : null })
}

describe('peersOf()', () => {
  it('gives devices the lower half and runs the upper half, IPv6 from the same host part', async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.55.0.0/24')
    const allocate = allocating(peers, place.database)
    expect(peers.server).toEqual({ address4: '10.55.0.1', address6: 'fd77::1' })
    expect(allocate('a')).toMatchObject({ address4: '10.55.0.2', address6: 'fd77::2', ephemeral: false })
    expect(allocate('b')).toMatchObject({ address4: '10.55.0.3', address6: 'fd77::3' })
    expect(allocate('r', true)).toMatchObject({ address4: '10.55.0.128', address6: 'fd77::80', ephemeral: true })
    expect(peers.byAddress('10.55.0.128')?.publicKey).toBe('r')
    expect(peers.byAddress('FD77:0::0080')?.publicKey).toBe('r')
    expect(peers.byAddress('::ffff:10.55.0.2')?.publicKey).toBe('a')
    expect([peers.byAddress('10.55.0.9'), peers.byAddress('nonsense'), peers.byAddress('')]).toEqual([null, null, null])
    expect(peers.byRun('run-r')?.publicKey).toBe('r')
    expect(peers.list().map(({ publicKey }) => publicKey)).toEqual(['a', 'b', 'r'])
  })

  it('uses a large subnet to its end, with host parts over 16 bits in IPv6', async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.0.0.0/8')
    expect(allocating(peers, place.database)('r', true)).toMatchObject({
      address4: '10.128.0.0',
      address6: 'fd77::80:0',
    })
  })

  it('gives freed lasting addresses again first, freed ephemeral ones last', async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.55.0.0/28')
    const allocate = allocating(peers, place.database)
    for (const key of ['a', 'b', 'c']) allocate(key)
    peers.remove('b')
    expect(allocate('d').address4).toBe('10.55.0.3')
    const first = allocate('r1', true).address4
    peers.remove('r1')
    expect(allocate('r2', true).address4).not.toBe(first)
    const rest = ['r3', 'r4', 'r5', 'r6', 'r7'].map((key) => allocate(key, true).address4)
    expect(rest).not.toContain(first)
    expect(allocate('r8', true).address4).toBe(first)
  })

  it('says that the subnet is full, and goes on when something is freed', async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.55.0.0/29')
    const allocate = allocating(peers, place.database)
    const given = ['a', 'b', 'c', 'd', 'e'].map((key) => allocate(key).address4)
    expect(given).toEqual(['10.55.0.2', '10.55.0.3', '10.55.0.4', '10.55.0.5', '10.55.0.6'])
    expect(() => allocate('f')).toThrow('Cannot add a WireGuard peer: no address is free in 10.55.0.0/29')
    peers.remove('c')
    expect(allocate('f').address4).toBe('10.55.0.4')
  })

  it("replaces a device's own key and refuses another device's", async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.55.0.0/24')
    const allocate = allocating(peers, place.database)
    allocate('a')
    allocate('a')
    expect(peers.list()).toHaveLength(1)
    expect(() => allocating(peers, place.database)('a')).toThrow(/already in use by another device/)
  })

  it('forgets the peers of runs an earlier gateway left', async () => {
    await using place = scratch()
    const peers = peersOf(place.database, '10.55.0.0/24')
    const allocate = allocating(peers, place.database)
    allocate('a')
    allocate('r', true)
    expect(peers.removeEphemeral()).toBe(1)
    expect(peers.list().map(({ publicKey }) => publicKey)).toEqual(['a'])
  })

  it('refuses unusable subnets', async () => {
    await using place = scratch()
    for (const cidr of ['10.0.0.0/31', '10.0.0.0/4', 'fd00::/64', '10.0.0.0', 'x'])
      expect(() => peersOf(place.database, cidr)).toThrow(/Cannot use subnet_cidr/)
  })

  it('gives no address twice when processes allocate at the same time', async () => {
    await using place = scratch()
    const device = aDevice(place.database)
    const script = `
      import { openDatabase } from './gateway/store/database.ts'
      import { peersOf } from './gateway/store/peers.ts'
      const peers = peersOf(openDatabase(process.argv[1]), '10.55.0.0/24')
      process.stdin.once('data', () => {
        for (let i = 0; i < 40; i++) peers.allocate({ publicKey: process.pid + '-' + i, device: process.argv[2], ephemeral: i % 2 === 0, run: null })
        process.exit(0)
      })
      console.log('ready')`
    const children = [1, 2].map(() =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, place.dir, device], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    await Promise.all(children.map((child) => once(child.stdout, 'data')))
    for (const child of children) child.stdin.write('go\n')
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
    expect(codes).toEqual([0, 0])
    const all = peersOf(place.database, '10.55.0.0/24').list()
    expect(new Set(all.map(({ address4 }) => address4)).size).toBe(80)
    expect(new Set(all.map(({ address6 }) => address6)).size).toBe(80)
  })
})
