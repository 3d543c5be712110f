import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { clientHello, FlowLab, type FlowLabOptions, profileWith } from '../../test/support/flow-lab.ts'

const alice = '10.77.0.2'
const bob = '10.77.0.3'
const devices = { [alice]: { profile: 'work' }, [bob]: { profile: 'home' } }

let lab: FlowLab

afterEach(() => lab[Symbol.asyncDispose]())

async function startLab(options: Omit<FlowLabOptions, 'devices'>): Promise<FlowLab> {
  lab = await FlowLab.start({ devices, ...options })
  return lab
}

async function firstBytes(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('latin1')
}

describe('Dispatch hands a flow whose protocol begins in its own way to the pool', () => {
  const postgres = (...hosts: string[]) => ({ protocol: 'postgres', hosts })
  const profiles = [
    profileWith('work', {
      orders: postgres('orders.example'),
      ledger: postgres('ledger.example:6432'),
      literal: postgres('192.0.2.5:5433'),
      api: ['api.example'],
    }),
    profileWith('home', { ours: postgres('orders.example') }),
  ]
  const hosts = {
    'orders.example': ['10.1.0.5', '2001:db8::5'],
    'ledger.example': ['10.1.0.5'],
    'broken.example': [],
  }
  const databases = { profiles, hosts, echoes: ['10.1.0.9:5432'] }

  it.each([
    ['the virtual address of its name', 'orders.example', 5432, 'orders', 'orders.example'],
    ['it on another port', 'ledger.example', 6432, 'ledger', 'ledger.example'],
    ['a real address of its name', '10.1.0.5', 5432, 'orders', null],
    ['a real IPv6 address of its name', '2001:DB8::0:5', 5432, 'orders', null],
    ['the same address on another port', '10.1.0.5', 6432, 'ledger', null],
    ['the address that is declared', '192.0.2.5', 5433, 'literal', null],
  ])('at once, by %s', async (_what, host, port, endpoint, targetName) => {
    await startLab(databases)
    const at = host.endsWith('.example') ? lab.virtual(host) : host
    const agent = await lab.tailnet.open(alice, { host: at, port })
    // the worker speaks first: nothing was sent
    expect(await firstBytes(agent.socket)).toBe('worker')
    expect(agent.answers).toEqual(['take'])
    expect(lab.handedOver).toMatchObject([{ flow: { targetName, profile: 'work' }, candidates: [endpoint] }])
  })

  it('by the profile, where two have an endpoint at one address', async () => {
    await startLab(databases)
    for (const from of [alice, bob]) {
      const agent = await lab.tailnet.open(from, { host: '10.1.0.5', port: 5432 })
      expect(await firstBytes(agent.socket)).toBe('worker')
    }
    expect(lab.handedOver.map(({ candidates }) => candidates)).toEqual([['orders'], ['ours']])
  })

  it('and not what is another profile’s', async () => {
    await startLab({ ...databases, profiles: profiles.map((each) => ({ ...each, unknownHost: 'deny' })) })
    const agent = await lab.tailnet.open(bob, { host: '10.1.0.5', port: 6432 })
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
    expect(lab.story()[0]).toContain('no endpoint claims 10.1.0.5 on port 6432')
  })

  it('and tells which names there are where it cannot choose', async () => {
    const both = profileWith('work', { a: postgres('orders.example'), b: postgres('ledger.example') })
    await startLab({ ...databases, profiles: [both] })
    const agent = await lab.tailnet.open(alice, { host: '10.1.0.5', port: 5432 })
    await agent.closed
    expect(lab.story()[0]).toContain('is where orders.example and ledger.example are: connect by name')
    const named = await lab.tailnet.open(alice, { host: lab.virtual('ledger.example'), port: 5432 })
    expect(await firstBytes(named.socket)).toBe('worker')
    expect(lab.handedOver).toMatchObject([{ candidates: ['b'] }])
  })

  it('and refuses what could be a name nobody can look up', async () => {
    const hidden = profileWith('work', { hidden: postgres('broken.example') })
    await startLab({ ...databases, profiles: [hidden], hosts: {} })
    const agent = await lab.tailnet.open(alice, { host: '10.1.0.9', port: 5432 })
    await agent.closed
    expect(lab.story()[0]).toContain('10.1.0.9 could be broken.example, which cannot be looked up now')
    const named = await lab.tailnet.open(alice, { host: lab.virtual('broken.example'), port: 5432 })
    expect(await firstBytes(named.socket)).toBe('worker')
  })

  it('and ends a relay whose address turns out to be that of an endpoint', async () => {
    const moving: { [name: string]: readonly string[] } = { 'orders.example': ['10.1.0.5'] }
    await startLab({
      profiles: [profileWith('work', { api: ['api.example'] })],
      hosts: moving,
      echoes: ['198.51.100.7:5432'],
    })
    const relayed = await lab.tailnet.open(alice, { host: '198.51.100.7', port: 5432 })
    relayed.socket.write('x')
    expect(await firstBytes(relayed.socket)).toBe('x')
    relayed.socket.resume()
    lab.reload([profileWith('work', { api: ['api.example'], orders: postgres('orders.example') })])
    expect(lab.dispatch.recheck()).toBe(0)
    moving['orders.example'] = ['198.51.100.7']
    await lab.addresses.refresh()
    expect(lab.dispatch.recheck()).toBe(1)
    await relayed.closed
  })

  it.each([
    ['where a name of an endpoint leads', '198.51.100.7', 'db.example'],
    ['that an endpoint declares', '198.51.100.8', 'fixed'],
  ])('and lets no other name lead past it to an address %s', async (_what, address, claim) => {
    const profile = profileWith('work', {
      db: postgres('db.example:443'),
      fixed: postgres('198.51.100.8:443'),
    })
    const leads = { 'db.example': ['198.51.100.7'], 'alias.example': [address] }
    await startLab({ profiles: [profile], hosts: leads, echoes: [`${address}:443`] })
    const agent = await lab.tailnet.open(alice, { host: '203.0.113.200', port: 443 })
    agent.socket.write(clientHello('alias.example'))
    await agent.closed
    expect(lab.story()[0]).toBe(
      `deny splice TCP alias.example:443 because alias.example is at ${address}, which ${claim} claims`,
    )
  })

  it('and ends what another name led to, once the server there is known', async () => {
    const leads: { [name: string]: readonly string[] } = {
      'alias.example': ['198.51.100.7'],
      'db.example': ['10.1.0.5'],
    }
    await startLab({ profiles: [profileWith('work', {})], hosts: leads, echoes: ['198.51.100.7:443'] })
    const relayed = await lab.tailnet.open(alice, { host: '203.0.113.200', port: 443 })
    relayed.socket.write(clientHello('alias.example'))
    await firstBytes(relayed.socket)
    relayed.socket.resume()
    lab.reload([profileWith('work', { db: postgres('db.example:443') })])
    expect(lab.dispatch.recheck()).toBe(0)
    leads['db.example'] = ['198.51.100.7']
    await lab.addresses.refresh()
    expect(lab.dispatch.recheck()).toBe(1)
    await relayed.closed
    await lab.told(2)
    expect(lab.records.at(-1)?.event).toMatchObject({ error: '198.51.100.7 is what db.example claims' })
  })

  it('and keeps a session whose server moves, or shares its address from now on', async () => {
    await startLab(databases)
    const agent = await lab.tailnet.open(alice, { host: '10.1.0.5', port: 5432 })
    await firstBytes(agent.socket)
    lab.reload([
      profileWith('work', { orders: postgres('orders.example'), new: postgres('ledger.example:5432') }),
      profileWith('home', {}),
    ])
    await lab.addresses.refresh()
    expect(lab.dispatch.recheck()).toBe(0)
    lab.reload([profileWith('work', { new: postgres('ledger.example:5432') }), profileWith('home', {})])
    expect(lab.dispatch.recheck()).toBe(1)
    await agent.closed
  })
})
