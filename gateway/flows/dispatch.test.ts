import { once } from 'node:events'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import {
  clientHello,
  type DeviceFacts,
  FlowLab,
  type FlowLabOptions,
  profileWith,
} from '../../test/support/flow-lab.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'

const alice = '10.77.0.2'
const bob = '10.77.0.3'
const other = { host: '198.51.100.7', port: 22 }
const web = { host: '198.51.100.7', port: 443 }
const work = profileWith('work', { api: ['api.example', '*.deep.example', '192.0.2.1'], odd: ['odd.example:8443'] })
const home = profileWith('home', { mail: ['mail.example'] })

const base: FlowLabOptions = {
  profiles: [work, home],
  devices: { [alice]: { profile: 'work' }, [bob]: { profile: 'home' } },
  hosts: { 'free.example': ['198.51.100.7'], 'inside.example': ['10.1.2.3'], 'api.example': ['198.51.100.8'] },
  echoes: ['198.51.100.7:22', '198.51.100.7:443', '198.51.100.8:22'],
}

let lab: FlowLab

afterEach(() => lab[Symbol.asyncDispose]())

async function startLab(more: Partial<FlowLabOptions> = {}): Promise<FlowLab> {
  lab = await FlowLab.start({ ...base, ...more })
  return lab
}

async function firstBytes(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('latin1')
}

describe('Dispatch hands a flow to the pool', () => {
  it.each([
    ['the name in the ClientHello', web, 'api.example', 'api', 'api.example'],
    ['a name below a wildcard', web, 'x.deep.example', 'api', 'x.deep.example'],
    ['a port an endpoint declares', { ...web, port: 8443 }, 'odd.example', 'odd', 'odd.example'],
    ['the address, whatever the name', { host: '192.0.2.1', port: 443 }, 'free.example', 'api', 'free.example'],
    ['the address, without a name', { host: '192.0.2.1', port: 443 }, null, 'api', null],
    ['the address in its IPv6 form', { host: '::ffff:192.0.2.1', port: 443 }, null, 'api', null],
  ])('by %s', async (_what, to, serverName, endpoint, targetName) => {
    await startLab()
    const agent = await lab.tailnet.open(alice, to)
    agent.socket.write(clientHello(serverName))
    expect(await firstBytes(agent.socket)).toBe('worker')
    expect(agent.answers).toEqual(['peek', 'take'])
    expect(lab.handedOver).toMatchObject([{ flow: { targetName, profile: 'work' }, candidates: [endpoint] }])
  })

  it('by a virtual address and nothing in the first bytes', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { host: lab.virtual('api.example'), port: 443 })
    agent.socket.write('GET / HTTP/1.1\r\n')
    expect(await firstBytes(agent.socket)).toBe('worker')
    expect(lab.handedOver).toMatchObject([{ flow: { targetName: 'api.example' }, candidates: ['api'] }])
  })

  it('when the ClientHello comes byte by byte', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, web)
    agent.socket.setNoDelay(true)
    for (const byte of clientHello('api.example')) agent.socket.write(Buffer.from([byte]))
    expect(await firstBytes(agent.socket)).toBe('worker')
  })

  it('and records a refusal when it did nothing but fail', async () => {
    await startLab()
    lab.room = false
    const agent = await lab.tailnet.open(alice, web)
    agent.socket.write(clientHello('api.example'))
    await agent.closed
    expect(agent.answers).toEqual(['peek', 'refuse'])
    expect(lab.story()).toEqual([
      'deny splice TCP api.example:443 because the profile has no room for another connection',
      'denied 0/0',
    ])
  })
})

describe('Dispatch relays a flow no endpoint claims', () => {
  it('to its address, and records begin and end', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, other)
    agent.socket.end('hello')
    expect(await text(agent.socket)).toBe('hello')
    expect(agent.answers).toEqual(['relay 198.51.100.7:22'])
    expect(await lab.told(2)).toEqual(['allow relay TCP 198.51.100.7:22', 'closed 5/5'])
    expect(lab.records[0]).toMatchObject({
      flow: { peer: { device: `device-${alice}` }, profile: 'work' },
      event: { action: { endpoint: null }, verdict: { decider: { by: 'default', setting: 'unknown_host' } } },
    })
  })

  it('to the address of the name in its ClientHello, not to the one it asked for', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { host: '203.0.113.200', port: 443 })
    const hello = clientHello('free.example')
    agent.socket.end(hello)
    expect(await text(agent.socket)).toBe(hello.toString())
    expect(agent.answers).toEqual(['peek', 'relay 198.51.100.7:443'])
    expect(lab.story()[0]).toBe('allow splice TCP free.example:443')
  })

  it('to the real address of a virtual one, on a port that is not intercepted', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { host: lab.virtual('api.example'), port: 22 })
    agent.socket.end('ssh')
    expect(await text(agent.socket)).toBe('ssh')
    expect(agent.answers).toEqual(['relay 198.51.100.8:22'])
  })

  it('and records that nobody answered', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { ...other, port: 23 })
    await agent.closed
    await lab.told(2)
    expect(lab.records.at(-1)?.event).toMatchObject({ status: 'error', error: 'connection refused' })
  })
})

describe('Dispatch refuses a flow', () => {
  const denying = { ...work, unknownHost: 'deny' as const }

  it.each([
    ['of nobody', '10.77.0.99', other, 'no device has this address'],
    ['of an address that is none', 'nonsense', other, 'the device could not be looked up'],
    ['to the gateway', alice, { host: '127.0.0.1', port: 22 }, '127.0.0.1 is the gateway itself'],
    ['to an address of the gateway', alice, { host: '203.0.113.9', port: 22 }, 'an address of the gateway'],
    ['to a metadata service', alice, { host: '169.254.169.254', port: 80 }, 'link-local'],
    ['to a private network in disguise', alice, { host: '64:ff9b::a00:1', port: 80 }, 'private network'],
    ['to a virtual address of nothing', alice, { host: '10.78.200.1', port: 443 }, 'belongs to nothing'],
  ])('%s', async (_what, from, to, because) => {
    await startLab()
    const agent = await lab.tailnet.open(from, to)
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
    expect(lab.story()[0]).toContain(because)
  })

  it.each([
    ['whose name leads inside', 'inside.example', 'inside.example is at 10.1.2.3, which is a private network'],
    ['whose name leads nowhere', 'nowhere.example', 'nowhere.example has no address'],
    ['whose name cannot be looked up', 'broken.example', 'broken.example could not be looked up'],
  ])('%s', async (_what, name, because) => {
    await startLab()
    const agent = await lab.tailnet.open(alice, web)
    agent.socket.write(clientHello(name))
    await agent.closed
    expect(agent.answers).toEqual(['peek', 'refuse'])
    expect(lab.story()[0]).toBe(`deny splice TCP ${name}:443 because ${because}`)
  })

  it.each<readonly [string, DeviceFacts]>([
    ['not approved', { profile: 'work', isApproved: false }],
    ['blocked', { profile: 'work', isBlocked: true }],
    ['of a profile that is gone', { profile: 'gone' }],
    ['of no profile', { profile: null }],
  ])('of a device that is %s', async (_what, device) => {
    await startLab({ devices: { [alice]: device } })
    const agent = await lab.tailnet.open(alice, other)
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
    expect(lab.records.map(({ flow }) => flow)).toEqual([null, null])
    expect(lab.dispatch.stats()).toMatchObject({ closed: 1, live: 0 })
  })

  it('to a virtual address of another profile', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { host: lab.virtual('mail.example'), port: 443 })
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
    expect(lab.story()[0]).not.toContain('mail.example')
  })

  it('whose ClientHello names another host than its virtual address', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, { host: lab.virtual('api.example'), port: 443 })
    agent.socket.write(clientHello('free.example'))
    await agent.closed
    expect(lab.story()[0]).toContain('the ClientHello names free.example, the address stands for api.example')
  })

  it('no endpoint claims, where unknown hosts are denied', async () => {
    await startLab({ profiles: [denying] })
    const agent = await lab.tailnet.open(alice, other)
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
    expect(lab.story()).toEqual([
      'deny relay TCP 198.51.100.7:22 because no endpoint claims 198.51.100.7 on port 22',
      'denied 0/0',
    ])
  })

  it('that ends before its ClientHello does', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, web)
    agent.socket.end(clientHello('api.example').subarray(0, 20))
    await agent.closed
    expect(agent.answers).toEqual(['peek', 'refuse'])
    expect(lab.story()[0]).toContain('the ClientHello is incomplete')
  })

  it('while records cannot be written', async () => {
    await startLab()
    lab.recorder = 'unhealthy'
    const agent = await lab.tailnet.open(alice, other)
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
  })
})

describe('Dispatch ends live flows', () => {
  async function twoFlows() {
    await startLab()
    const inspected = await lab.tailnet.open(alice, web)
    inspected.socket.write(clientHello('api.example'))
    await firstBytes(inspected.socket)
    const relayed = await lab.tailnet.open(bob, other)
    relayed.socket.write('x')
    await firstBytes(relayed.socket)
    for (const { socket } of [inspected, relayed]) socket.resume()
    return { inspected, relayed }
  }

  it('and lists them while they live', async () => {
    const { inspected } = await twoFlows()
    expect(lab.dispatch.list()).toMatchObject([
      { kind: 'inspect', flow: { targetName: 'api.example' } },
      { kind: 'relay', flow: { targetName: null } },
    ])
    inspected.socket.destroy()
    await lab[Symbol.asyncDispose]()
    expect(lab.dispatch.list()).toEqual([])
  })

  it('of a device', async () => {
    const { inspected, relayed } = await twoFlows()
    expect(lab.dispatch.cancelDevice(`device-${alice}` as DeviceId, 'the device was deleted')).toBe(1)
    await inspected.closed
    expect(relayed.socket.destroyed).toBe(false)
  })

  it('of a profile, and says so in the record', async () => {
    const { inspected, relayed } = await twoFlows()
    expect(lab.dispatch.cancelProfile('home' as ProfileName, 'enough')).toBe(1)
    await relayed.closed
    expect(inspected.socket.destroyed).toBe(false)
    await lab.told(2)
    expect(lab.records.at(-1)?.event).toMatchObject({ kind: 'closed', status: 'error', error: 'enough' })
  })

  it('by their id', async () => {
    const { inspected } = await twoFlows()
    const [first] = lab.dispatch.list()
    if (first === undefined) throw new Error('no flow')
    expect(lab.dispatch.cancelFlow(first.flow.id, 'enough')).toBe(1)
    expect(lab.dispatch.cancelFlow(first.flow.id, 'enough')).toBe(0)
    await inspected.closed
  })

  it('that still wait for their ClientHello', async () => {
    await startLab()
    const agent = await lab.tailnet.open(alice, web)
    expect(lab.dispatch.cancelDevice(`device-${alice}` as DeviceId, 'the device was deleted')).toBe(1)
    await agent.closed
    expect(agent.answers).toEqual(['peek', 'refuse'])
  })

  it('whose endpoint a reload removed, and keeps the others', async () => {
    const { inspected, relayed } = await twoFlows()
    lab.reload([profileWith('work', { odd: ['odd.example:8443'] }), home])
    expect(lab.dispatch.recheck()).toBe(1)
    await inspected.closed
    expect(relayed.socket.destroyed).toBe(false)
  })

  it('that the new policy denies', async () => {
    const { relayed } = await twoFlows()
    lab.reload([work, profileWith('home', { mail: ['mail.example'] }, { unknownHost: 'deny' })])
    expect(lab.dispatch.recheck()).toBe(1)
    await relayed.closed
  })

  it.each<readonly [string, DeviceFacts]>([
    ['blocked', { profile: 'work', isBlocked: true }],
    ['given another profile', { profile: 'home' }],
  ])('of a device that was %s', async (_what, device) => {
    const { inspected } = await twoFlows()
    lab.setDevice(alice, device)
    expect(lab.dispatch.recheck()).toBe(1)
    await inspected.closed
  })

  it('of a device that was deleted', async () => {
    const { relayed } = await twoFlows()
    lab.devices.delete(bob)
    expect(lab.dispatch.recheck()).toBe(1)
    await relayed.closed
  })
})

describe('Dispatch treats datagrams', () => {
  it('that no endpoint could inspect as a relay, on record', async () => {
    await startLab()
    const agent = lab.tailnet.datagrams(alice, { host: '198.51.100.7', port: 123 })
    expect(await agent.answered).toBe('198.51.100.7:123')
    agent.finish()
    expect(await lab.told(2)).toEqual(['allow udp UDP 198.51.100.7:123', 'closed 3/4'])
  })

  it('of a virtual address as a relay to where its name really is', async () => {
    await startLab()
    const agent = lab.tailnet.datagrams(alice, { host: lab.virtual('api.example'), port: 123 })
    expect(await agent.answered).toBe('198.51.100.8:123')
    agent.finish()
  })

  it.each([
    ['of QUIC, where hosts are intercepted', alice, web],
    ['of QUIC on a declared port', alice, { ...web, port: 8443 }],
    ['of nobody', '10.77.0.99', { host: '198.51.100.7', port: 123 }],
    ['to a private network', alice, { host: '10.0.0.1', port: 123 }],
    ['to a virtual address of nothing', alice, { host: '10.78.200.1', port: 123 }],
  ])('%s by dropping them', async (_what, from, to) => {
    await startLab()
    const agent = lab.tailnet.datagrams(from, to)
    expect(await agent.answered).toBe('drop')
    expect(agent.answers).toEqual(['drop'])
    expect(lab.story()[0]).toMatch(/^deny udp/)
  })

  it('by ending them with their device', async () => {
    await startLab()
    const agent = lab.tailnet.datagrams(alice, { host: '198.51.100.7', port: 123 })
    await agent.answered
    lab.devices.delete(alice)
    expect(lab.dispatch.recheck()).toBe(1)
    await lab[Symbol.asyncDispose]()
    expect(lab.dispatch.stats().live).toBe(0)
  })

  it('that began as QUIC before its profile had hosts to intercept: over with the reload', async () => {
    const bare = { ...home, endpoints: [] }
    await startLab({ profiles: [work, bare] })
    const agent = lab.tailnet.datagrams(bob, web)
    expect(await agent.answered).toBe('198.51.100.7:443')
    expect(lab.dispatch.recheck()).toBe(0)
    lab.reload([work, home])
    expect(lab.dispatch.recheck()).toBe(1)
  })
})
