import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packet from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { parseQuery } from './dns-message.ts'
import { askServer, readAnswer } from './dns-relay.ts'
import { hostsFile } from './hosts-file.ts'
import { createResolver, parseServer } from './resolver.ts'

const servers: Socket[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

interface Zone {
  readonly [name: string]: { readonly a?: string; readonly aaaa?: string } | 'nothing' | 'failure'
}

/** A name server for these names; anything else is NXDOMAIN. */
async function startServer(zone: Zone) {
  const asked: string[] = []
  const socket = createSocket('udp4')
  servers.push(socket)
  socket.on('message', (message, from) => {
    const { id = 0, questions = [] } = packet.decode(message)
    const [{ name = '', type = 'A' } = {}] = questions
    asked.push(`${type} ${name}`)
    const entry = zone[name.toLowerCase()]
    const data = typeof entry === 'object' ? (type === 'AAAA' ? entry.aaaa : entry.a) : undefined
    const answers = data === undefined ? [] : [{ type: type as 'A', name, ttl: 5, data }]
    const rcode = entry === undefined ? 3 : entry === 'failure' ? 2 : 0
    socket.send(
      packet.encode({ type: 'response', id, flags: 0x180 | rcode, questions, answers }),
      from.port,
      from.address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { asked, address: { host: '127.0.0.1', port: socket.address().port } }
}

const noHosts = () => []

describe('createResolver()', () => {
  const zone: Zone = {
    'both.example': { a: '198.51.100.7', aaaa: '2001:db8::7' },
    'four.example': { a: '198.51.100.8' },
  }

  it.each([
    ['an address', 'both.example', 4, { kind: 'found', addresses: ['198.51.100.7'], ttlS: 5 }],
    ['an IPv6 address', 'both.example', 6, { kind: 'found', addresses: ['2001:db8::7'], ttlS: 5 }],
    ['that there is none of the family', 'four.example', 6, { kind: 'no_data' }],
    ['that there is no such name', 'nowhere.example', 4, { kind: 'no_name' }],
    ['that nobody can tell', 'sick.example', 4, { kind: 'failed' }],
  ] as const)('finds %s', async (_what, name, family, expected) => {
    const { address } = await startServer({ ...zone, 'sick.example': 'failure' })
    expect(await createResolver({ server: address, hosts: noHosts }).resolve(name, family)).toEqual(expected)
  })

  it('asks once for what it knows', async () => {
    const { address, asked } = await startServer(zone)
    const resolver = createResolver({ server: address, hosts: noHosts })
    await Promise.all([resolver.resolve('four.example', 4), resolver.resolve('four.example', 4)])
    await resolver.resolve('four.example', 4)
    expect(asked).toEqual(['A four.example'])
  })

  it('looks into the hosts file first, and asks nobody then', async () => {
    const { address, asked } = await startServer(zone)
    const resolver = createResolver({ server: address, hosts: () => ['10.0.0.5'] })
    expect(await resolver.resolve('four.example', 4)).toEqual({ kind: 'found', addresses: ['10.0.0.5'] })
    expect(await resolver.resolve('four.example', 6)).toEqual({ kind: 'no_data' })
    expect(asked).toEqual([])
  })
})

describe('parseServer()', () => {
  it.each([
    ['192.0.2.1', { host: '192.0.2.1', port: 53 }],
    ['192.0.2.1:5353', { host: '192.0.2.1', port: 5353 }],
    ['2001:db8::1', { host: '2001:db8::1', port: 53 }],
    ['[2001:db8::1]:5353', { host: '2001:db8::1', port: 5353 }],
    ['resolver.example', null],
    ['', null],
  ])('takes %j apart', (text, expected) => {
    expect(parseServer(text)).toEqual(expected)
  })
})

describe('hostsFile()', () => {
  it('reads every name of every line, and nothing behind a hash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hosts-'))
    const path = join(folder, 'hosts')
    writeFileSync(
      path,
      '10.0.0.5 A.example b.example # c.example\n# 10.0.0.6 d.example\nfd00::5\ta.example\nnonsense x\n',
    )
    const hosts = hostsFile(path)
    expect(hosts('a.example')).toEqual(['10.0.0.5', 'fd00::5'])
    expect(hosts('b.example')).toEqual(['10.0.0.5'])
    expect([...hosts('c.example'), ...hosts('d.example'), ...hosts('x')]).toEqual([])
    rmSync(folder, { recursive: true })
  })

  it('knows no names without a file', () => {
    expect(hostsFile('/nonexistent/hosts')('a.example')).toEqual([])
  })
})

describe('askServer()', () => {
  function queryFor(name: string, type: string) {
    const parsed = parseQuery(packet.encode({ type: 'query', id: 1, questions: [{ type: type as 'TXT', name }] }))
    if (parsed.kind !== 'query') throw new Error('not a query')
    return parsed.query
  }

  it('brings the answer section of the same question', async () => {
    const { address } = await startServer({ 'a.example': 'nothing' })
    expect(await askServer(queryFor('a.example', 'TXT'), address)).toMatchObject({ code: 0, answers: 0 })
    expect(await askServer(queryFor('b.example', 'TXT'), address)).toMatchObject({ code: 3 })
  })

  it('does not take the answer to another id, another question, or with addresses in it', () => {
    const query = queryFor('a.example', 'TXT')
    const answer = (more: object) =>
      packet.encode({ type: 'response', id: 5, questions: [{ type: 'TXT', name: 'a.example' }], ...more })
    const text = [{ type: 'TXT' as const, name: 'a.example', ttl: 5, data: 'x' }]
    const stray = [{ type: 'A' as const, name: 'a.example', ttl: 5, data: '127.0.0.1' }]
    expect(readAnswer(answer({ answers: text }), 5, query)).toMatchObject({ answers: 1, isTruncated: false })
    expect(readAnswer(answer({ answers: text }), 6, query)).toBeNull()
    expect(readAnswer(answer({ questions: [{ type: 'TXT', name: 'b.example' }] }), 5, query)).toBeNull()
    expect(readAnswer(answer({ answers: stray }), 5, query)).toBeNull()
    expect(readAnswer(answer({ type: 'query' }), 5, query)).toBeNull()
    const whole = answer({ answers: text })
    for (let length = 0; length < whole.length; length += 1) {
      expect(readAnswer(whole.subarray(0, length), 5, query)).toBeNull()
    }
  })
})
