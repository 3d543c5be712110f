import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import packet from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { FlowLab, type FlowLabOptions, profileWith } from '../../test/support/flow-lab.ts'

const alice = '10.77.0.2'
const bob = '10.77.0.3'
const base: FlowLabOptions = {
  profiles: [
    profileWith('work', { api: ['api.example', '*.deep.example'] }),
    profileWith('home', { mail: ['mail.example'] }, { unknownHost: 'deny' }),
  ],
  devices: { [alice]: { profile: 'work' }, [bob]: { profile: 'home' } },
  hosts: {
    'free.example': ['198.51.100.7', '2001:db8::7'],
    'four.example': ['198.51.100.7'],
    'rebound.example': ['127.0.0.1', '198.51.100.7'],
    'inside.example': ['169.254.169.254'],
    'own.example': ['203.0.113.9'],
    'mail.example': ['198.51.100.9'],
  },
}

let lab: FlowLab
let server: UdpSocket | undefined

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  server?.close()
  server = undefined
})

function question(name: string, type: string): Buffer {
  return packet.encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: type as 'A', name }] })
}

async function ask(from: string, name: string, type = 'A') {
  return packet.decode(Buffer.from(await lab.tailnet.query(from, question(name, type))))
}

async function lines(from: string, name: string, type = 'A'): Promise<string> {
  const { answers = [], ...head } = await ask(from, name, type)
  const rcode = (head as { rcode?: string }).rcode
  return [rcode, ...answers.map((answer) => ('data' in answer ? String(answer.data) : answer.type))].join(' ')
}

describe('a look-up of an agent', () => {
  it.each([
    ['of an own name is its virtual address', 'api.example', 'A', 'NOERROR 10.78.0.1'],
    ['of an own name in IPv6 too', 'api.example', 'AAAA', 'NOERROR fd78::1'],
    ['of an own name in odd case', 'aPi.eXample', 'A', 'NOERROR 10.78.0.1'],
    ['of a name below an own wildcard', 'x.deep.example', 'A', 'NOERROR 10.78.0.3'],
    ['of an own name and HTTPS hints is empty', 'api.example', 'UNKNOWN_65', 'NOERROR'],
    ['of an own name and other types is empty', 'api.example', 'TXT', 'NOERROR'],
    ['of another name is what the gateway finds', 'free.example', 'A', 'NOERROR 198.51.100.7'],
    ['of another name in IPv6', 'free.example', 'AAAA', 'NOERROR 2001:db8::7'],
    ['of a family it does not have is empty', 'four.example', 'AAAA', 'NOERROR'],
    ['of a name that is not there', 'nowhere.example', 'A', 'NXDOMAIN'],
    ['of a name nobody can tell', 'broken.example', 'A', 'SERVFAIL'],
    ['of any name and HTTPS hints is empty', 'free.example', 'UNKNOWN_65', 'NOERROR'],
    ['of the agent’s own machine', 'localhost', 'A', 'NOERROR 127.0.0.1'],
    ['below the agent’s own machine', 'app.localhost', 'AAAA', 'NOERROR ::1'],
    ['leaves out addresses of the gateway', 'rebound.example', 'A', 'NOERROR 198.51.100.7'],
    ['of a name that leads to metadata is empty', 'inside.example', 'A', 'NOERROR'],
    ['of a name that leads to the gateway is empty', 'own.example', 'A', 'NOERROR'],
    ['for everything is refused', 'free.example', 'ANY', 'REFUSED'],
    ['for a transfer is refused', 'free.example', 'AXFR', 'REFUSED'],
    ['of a virtual address is unknown', '1.0.78.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['of another type without a server fails', 'free.example', 'MX', 'SERVFAIL'],
  ])('%s', async (_what, name, type, expected) => {
    lab = await FlowLab.start(base)
    expect(await lines(alice, name, type)).toBe(expected)
  })

  it('of another profile’s name is a name like any other', async () => {
    lab = await FlowLab.start(base)
    expect(await lines(alice, 'mail.example')).toBe('NOERROR 198.51.100.9')
    expect(await lines(bob, 'mail.example')).toBe('NOERROR 10.78.0.2')
  })

  it('of an unknown name is on record before it is made, and denied where unknown hosts are', async () => {
    lab = await FlowLab.start(base)
    await ask(alice, 'free.example')
    expect(await lines(bob, 'free.example')).toBe('NXDOMAIN')
    await ask(alice, 'api.example')
    expect(await lab.told(4)).toEqual([
      'allow dns DNS A free.example',
      'NOERROR 0/0',
      'deny dns DNS A free.example because no endpoint claims the name',
      'denied 0/0',
    ])
  })

  it('fails while it cannot be recorded; own names are answered all the same', async () => {
    lab = await FlowLab.start(base)
    lab.recorder = 'unhealthy'
    expect(await lines(alice, 'free.example')).toBe('SERVFAIL')
    expect(await lines(alice, 'api.example')).toBe('NOERROR 10.78.0.1')
  })

  it('is not answered to nobody', async () => {
    lab = await FlowLab.start(base)
    let isAnswered = false
    void lab.tailnet.query('10.77.0.99', question('api.example', 'A')).then(() => {
      isAnswered = true
    })
    await ask(alice, 'api.example')
    expect(isAnswered).toBe(false)
    expect(lab.dispatch.stats()).toMatchObject({ closed: 1, queries: 1 })
  })

  it('is turned away when the device has 64 under way', async () => {
    lab = await FlowLab.start(base)
    lab.recorder = 'stall'
    for (let count = 0; count < 64; count += 1) void lab.tailnet.query(alice, question(`n${count}.example`, 'A'))
    expect(await lines(alice, 'api.example')).toBe('SERVFAIL')
    expect(await lines(bob, 'mail.example')).toBe('NOERROR 10.78.0.2')
    expect(lab.dispatch.stats().queriesTurnedAway).toBe(1)
  }, 10_000)

  it('of another type goes to the gateway’s server, and its answer comes back as it is', async () => {
    const upstream = createSocket('udp4')
    server = upstream
    upstream.on('message', (message, from) => {
      const { id = 0, questions = [] } = packet.decode(message)
      const answer = packet.encode({
        type: 'response',
        id,
        questions,
        answers: [{ type: 'MX', name: 'free.example', ttl: 60, data: { preference: 10, exchange: 'mx.free.example' } }],
      })
      upstream.send(answer, from.port, from.address)
    })
    upstream.bind(0, '127.0.0.1')
    await once(upstream, 'listening')
    lab = await FlowLab.start({ ...base, server: { host: '127.0.0.1', port: upstream.address().port } })
    const { answers } = await ask(alice, 'free.example', 'MX')
    expect(answers).toMatchObject([{ type: 'MX', ttl: 60, data: { preference: 10, exchange: 'mx.free.example' } }])
  })
})

describe('look-ups over TCP', () => {
  function framed(name: string): Buffer {
    return packet.streamEncode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name }] })
  }

  async function read(socket: Socket, count: number): Promise<string[]> {
    let bytes = Buffer.alloc(0)
    const found: string[] = []
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk as Buffer])
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const length = 2 + bytes.readUInt16BE(0)
        const [answer] = packet.streamDecode(bytes.subarray(0, length)).answers ?? []
        found.push(answer !== undefined && 'data' in answer ? String(answer.data) : 'none')
        bytes = bytes.subarray(length)
      }
      if (found.length === count) break
    }
    return found
  }

  it('are answered in order, several on one connection, however they are cut', async () => {
    lab = await FlowLab.start(base)
    const { socket, answers } = await lab.tailnet.open(alice, { host: '192.0.2.53', port: 53 })
    socket.setNoDelay(true)
    const bytes = Buffer.concat([framed('api.example'), framed('free.example'), framed('mail.example')])
    for (const byte of bytes) socket.write(Buffer.from([byte]))
    expect(await read(socket, 3)).toEqual(['10.78.0.1', '198.51.100.7', '198.51.100.9'])
    expect(answers).toEqual(['take'])
  })

  it.each([
    ['a query that is too long', Buffer.from([0xff, 0xff, 0])],
    ['an answer instead of a query', Buffer.concat([Buffer.from([0, 12, 0, 0, 0x80]), Buffer.alloc(9)])],
  ])('end with %s', async (_what, bytes) => {
    lab = await FlowLab.start(base)
    const agent = await lab.tailnet.open(alice, { host: '192.0.2.53', port: 53 })
    agent.socket.resume()
    agent.socket.once('end', () => agent.socket.end())
    agent.socket.write(bytes)
    await agent.closed
    expect(lab.dispatch.stats().faults).toBe(0)
  })

  it('end with their device', async () => {
    lab = await FlowLab.start(base)
    const agent = await lab.tailnet.open(alice, { host: '192.0.2.53', port: 53 })
    agent.socket.write(framed('api.example'))
    expect((await once(agent.socket, 'data')).length).toBe(1)
    expect(lab.dispatch.list()).toMatchObject([{ kind: 'names' }])
    lab.devices.delete(alice)
    agent.socket.once('end', () => agent.socket.end())
    expect(lab.dispatch.recheck()).toBe(1)
    await agent.closed
  })
})
