import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import packet from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { clientHello, FlowLab, profileWith } from '../../test/support/flow-lab.ts'

const alice = '10.77.0.2'
const somewhere = '198.51.100.7'
let lab: FlowLab
let asked: number

async function startLab(): Promise<{ close(): void }> {
  const upstream = createSocket('udp4')
  asked = 0
  upstream.on('message', () => {
    asked += 1
  })
  upstream.bind(0, '127.0.0.1')
  await once(upstream, 'listening')
  lab = await FlowLab.start({
    profiles: [profileWith('shut', { api: ['api.example', '*.deep.example'] }, { unknownHost: 'deny' })],
    devices: { [alice]: { profile: 'shut' } },
    hosts: { 'free.example': [somewhere], 'api.example': ['198.51.100.8'] },
    server: { host: '127.0.0.1', port: upstream.address().port },
  })
  return upstream
}

describe('unknown_host = "deny"', () => {
  let upstream: { close(): void } | undefined

  afterEach(async () => {
    await lab[Symbol.asyncDispose]()
    upstream?.close()
    upstream = undefined
  })

  it.each([
    [
      'plain HTTP',
      { host: somewhere, port: 80 },
      Buffer.from('GET / HTTP/1.1\r\nHost: free.example\r\n\r\n'),
      'relay TCP 198.51.100.7:80',
    ],
    ['SSH', { host: somewhere, port: 22 }, Buffer.from('SSH-2.0-x\r\n'), 'relay TCP 198.51.100.7:22'],
    ['Postgres', { host: somewhere, port: 5432 }, Buffer.alloc(8), 'relay TCP 198.51.100.7:5432'],
    ['a port nobody knows', { host: '2001:db8::7', port: 9999 }, Buffer.from('x'), 'relay TCP [2001:db8::7]:9999'],
    [
      'TLS to an unknown name',
      { host: somewhere, port: 443 },
      clientHello('free.example'),
      'splice TCP free.example:443',
    ],
    ['TLS without a name', { host: somewhere, port: 443 }, clientHello(null), 'relay TCP 198.51.100.7:443'],
    [
      'no TLS on 443',
      { host: somewhere, port: 443 },
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      'relay TCP 198.51.100.7:443',
    ],
    ['DNS over TLS', { host: somewhere, port: 853 }, clientHello('dns.example'), 'relay TCP 198.51.100.7:853'],
  ])('refuses %s', async (_what, to, bytes, title) => {
    upstream = await startLab()
    const agent = await lab.tailnet.open(alice, to)
    agent.socket.write(bytes)
    await agent.closed
    expect(agent.answers.at(-1)).toBe('refuse')
    expect(lab.story()[0]?.startsWith(`deny ${title} because no endpoint claims`)).toBe(true)
    expect(lab.records[0]).toMatchObject({
      event: { verdict: { decider: { by: 'default', setting: 'unknown_host' } } },
    })
  })

  it('refuses another port of a declared host', async () => {
    upstream = await startLab()
    const agent = await lab.tailnet.open(alice, { host: lab.virtual('api.example'), port: 8080 })
    agent.socket.write('x')
    await agent.closed
    expect(agent.answers).toEqual(['refuse'])
  })

  it.each([123, 443, 3478, 5353])('drops datagrams to port %i', async (port) => {
    upstream = await startLab()
    const agent = lab.tailnet.datagrams(alice, { host: somewhere, port })
    expect(await agent.answered).toBe('drop')
    expect(lab.story()[0]).toMatch(/^deny udp/)
  })

  it.each([
    'A',
    'AAAA',
    'TXT',
    'MX',
    'CNAME',
    'NS',
    'SRV',
    'NULL',
    'PTR',
    'UNKNOWN_65',
    'CAA',
  ])('asks nobody for %s of a name nobody declared', async (type) => {
    upstream = await startLab()
    for (const name of ['free.example', 'c2VjcmV0.evil.example', 'deep.example', 'a.api.example']) {
      const questions = [{ type: type as 'A', name }]
      const bytes = await lab.tailnet.query(alice, packet.encode({ type: 'query', id: 7, questions }))
      expect(packet.decode(Buffer.from(bytes))).toMatchObject({ rcode: 'NXDOMAIN', answers: [] })
    }
    expect(asked).toBe(0)
    expect(lab.story()[0]).toMatch(/^deny dns DNS \S+ free\.example because no endpoint claims the name$/)
  })

  it.each([
    ['api.example', '10.78.0.1'],
    ['any.deep.example', '10.78.0.2'],
    ['localhost', '127.0.0.1'],
  ])('answers %s by itself all the same', async (name, address) => {
    upstream = await startLab()
    const questions = [{ type: 'A' as const, name }]
    const bytes = await lab.tailnet.query(alice, packet.encode({ type: 'query', id: 7, questions }))
    const { answers = [] } = packet.decode(Buffer.from(bytes))
    expect(answers.map((answer) => ('data' in answer ? answer.data : null))).toEqual([address])
    expect(asked).toBe(0)
  })
})
