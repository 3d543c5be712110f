import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../../contract/plugin.ts'
import type { PostgresSettings } from './definition.ts'
import { makePki, type Pki } from './server.fixture.ts'
import { type Gateway, startGateway } from './session.fixture.ts'
import { type AgentCancel, type AgentStartup, readStartup } from './startup.ts'

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const gssRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])

function startupOf(...strings: readonly string[]): Buffer {
  const body = Buffer.from([...strings, ''].map((text) => `${text}\0`).join(''))
  const head = Buffer.from([0, 0, 0, 0, 0, 3, 0, 0])
  head.writeUInt32BE(body.length + 8)
  return Buffer.concat([head, body])
}

const honest = startupOf('user', 'an', 'database', 'orders', 'options', '-c search_path=x')

/** Everything a socket receives until it is closed. */
async function all(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks)
}

/** Code and message of the ErrorResponse the bytes are. */
function errorIn(bytes: Buffer): readonly [string, string] {
  expect(bytes.toString('latin1', 0, 1)).toBe('E')
  expect(bytes.readInt32BE(1)).toBe(bytes.length - 1)
  const fields = bytes.toString('utf8', 5).split('\0')
  const of = (letter: string) => fields.find((field) => field.startsWith(letter))?.slice(1) ?? ''
  expect([of('S'), of('V')]).toEqual(['FATAL', 'FATAL'])
  return [of('C'), of('M')]
}

describe('readStartup()', () => {
  let pki: Pki
  let gateway: Gateway
  let seen: (AgentStartup | AgentCancel | null)[]

  const serve = async (session: Session<PostgresSettings>) => {
    const startup = await readStartup(session)
    seen.push(startup)
    if (startup === null) return
    startup.stream.end('done')
    startup.stream.resume()
  }

  beforeAll(() => {
    pki = makePki()
  })
  afterAll(() => pki[Symbol.dispose]())

  beforeEach(async () => {
    seen = []
    const { cert, key } = pki.issue('db.test', '127.0.0.1')
    gateway = await startGateway({
      serve,
      settings: { host: 'DB.test:5432' },
      serverPort: 1,
      certificate: { key, chain: cert, renewAt: 0 },
    })
  })
  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
  })

  function connect(): net.Socket {
    return net.connect({ port: gateway.port, host: '127.0.0.1', noDelay: true })
  }

  /** Sends bytes in pieces; what came back until the end. */
  async function say(...pieces: readonly Buffer[]): Promise<Buffer> {
    const socket = connect()
    const said = all(socket)
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve))
      await new Promise(setImmediate)
    }
    const bytes = await said
    await gateway.idle()
    return bytes
  }

  const wanted = {
    kind: 'session',
    user: 'an',
    database: 'orders',
    settings: [{ name: 'search_path', value: 'x' }],
    protocol: { major: 3, minor: 0 },
    options: [],
  }

  it('reads a packet whole, byte by byte and split anywhere', async () => {
    expect(String(await say(honest))).toBe('done')
    expect(String(await say(...[...honest].map((byte) => Buffer.from([byte]))))).toBe('done')
    for (let at = 1; at < honest.length; at += 1) await say(honest.subarray(0, at), honest.subarray(at))
    expect(seen).toHaveLength(honest.length + 1)
    for (const each of seen) expect(each).toMatchObject(wanted)
  })

  it('takes the user for the database where none is named', async () => {
    await say(startupOf('user', 'an'))
    await say(startupOf('user', 'an', 'database', ''))
    expect(seen).toMatchObject([{ database: 'an' }, { database: 'an' }])
  })

  it.each([
    ['a page request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), '08P01', 'invalid length of startup packet'],
    ['a packet of 1 MiB', Buffer.from([0, 16, 0, 0, 0, 3, 0, 0]), '08P01', 'invalid length of startup packet'],
    ['a replication connection', startupOf('user', 'a', 'replication', 'database'), '0A000', 'replication connections'],
    ['plain text behind an SSLRequest', Buffer.concat([sslRequest, honest]), '08P01', 'received unencrypted data'],
    ['plain text behind a GSSENCRequest', Buffer.concat([gssRequest, honest]), '08P01', 'received unencrypted data'],
    ['a packet that ends early', honest.subarray(0, 20), '08P01', 'the connection was closed'],
  ])('refuses %s in words', async (_, bytes, code, words) => {
    const socket = connect()
    const said = all(socket)
    socket.end(bytes)
    const [told, because] = errorIn(await said)
    await gateway.idle()
    expect([told, because]).toEqual([code, expect.stringContaining(words)])
    expect(gateway.refused).toEqual([{ title: 'connect to 192.0.2.1:5432', reason: because }])
    expect(seen).toEqual([null])
  })

  it('says nothing of a connection that is closed unused', async () => {
    connect().end()
    await vi.waitFor(() => expect(seen).toEqual([null]))
    expect(gateway.refused).toEqual([])
  })

  it('answers requests for GSSAPI with N, once, and goes on', async () => {
    const socket = connect()
    socket.write(gssRequest)
    expect(String((await once(socket, 'data'))[0])).toBe('N')
    socket.write(gssRequest)
    expect(errorIn(await all(socket))).toEqual(['08P01', 'encryption was asked for twice'])
    const other = connect()
    other.write(gssRequest)
    await once(other, 'data')
    other.write(honest)
    expect(String(await all(other))).toBe('done')
  })

  it.each([
    ['db.test', 'db.test'],
    ['other.test', '192.0.2.1'],
    [null, '192.0.2.1'],
  ])('takes TLS off after an SSLRequest for %s', async (servername, certified) => {
    const socket = connect()
    socket.write(sslRequest)
    expect(String((await once(socket, 'data'))[0])).toBe('S')
    const name = servername === null ? {} : { servername }
    const secured = tls.connect({ socket, ca: pki.ca, checkServerIdentity: () => undefined, ...name })
    secured.write(honest)
    expect(String(await all(secured))).toBe('done')
    expect(seen).toMatchObject([wanted])
    expect(gateway.certified).toEqual([certified])
  })

  it('takes direct TLS where ALPN names the protocol, and only there', async () => {
    const options = { port: gateway.port, host: '127.0.0.1', servername: 'db.test', ca: pki.ca }
    const direct = tls.connect({ ...options, ALPNProtocols: ['postgresql'] })
    direct.write(honest)
    expect(String(await all(direct))).toBe('done')
    expect(direct.alpnProtocol).toBe('postgresql')
    for (const more of [{}, { ALPNProtocols: ['http/1.1'] }]) await all(tls.connect({ ...options, ...more }))
    await gateway.idle()
    expect(seen).toMatchObject([wanted, null, null])
    expect(gateway.refused.map(({ reason }) => reason.split(';')[0])).toEqual([
      'TLS without SSLRequest, and ALPN does not name postgresql',
      'TLS without SSLRequest, and ALPN does not name postgresql',
    ])
  })

  it('refuses encryption within encryption', async () => {
    const secured = tls.connect({ port: gateway.port, host: '127.0.0.1', ca: pki.ca, ALPNProtocols: ['postgresql'] })
    secured.write(sslRequest)
    expect(errorIn(await all(secured))).toEqual(['08P01', 'encryption was asked for twice'])
  })

  it('records an agent that does not trust the certificate', async () => {
    const socket = connect()
    socket.write(sslRequest)
    await once(socket, 'data')
    await all(tls.connect({ socket, servername: 'db.test', ca: pki.selfSigned('x').cert }))
    await vi.waitFor(() => expect(gateway.refused).toHaveLength(1))
    expect(gateway.refused[0]?.reason).toContain('trust')
  })

  it('reads a cancel request, also inside TLS', async () => {
    const key = Buffer.from('0011223344556677', 'hex')
    const request = Buffer.concat([Buffer.from([0, 0, 0, 16, 4, 210, 22, 46]), key])
    await say(request)
    const secured = tls.connect({ port: gateway.port, host: '127.0.0.1', ca: pki.ca, ALPNProtocols: ['postgresql'] })
    secured.write(request)
    await all(secured)
    expect(seen).toMatchObject([
      { kind: 'cancel', key },
      { kind: 'cancel', key },
    ])
  })

  it.each([
    ['in the packet', honest.subarray(0, 12)],
    ['in the length', honest.subarray(0, 1)],
    ['before TLS', sslRequest],
    ['in the ClientHello', Buffer.from([22, 3, 1, 2, 0, 1])],
  ])('waits no longer than its time for an agent that stops %s', async (_, bytes) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const socket = connect()
      const said = all(socket)
      const begun = new Promise((resolve) => socket.write(bytes, resolve))
      await begun
      // the timer runs from the moment the gateway took the connection
      while (vi.getTimerCount() === 0) await new Promise(setImmediate)
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
      while (seen.length === 0) {
        await vi.advanceTimersByTimeAsync(1000)
        await new Promise(setImmediate)
      }
      await vi.advanceTimersByTimeAsync(10_000)
      const answer = await said
      expect(seen).toEqual([null])
      expect(answer.length === 0 || String(answer) === 'S' || errorIn(answer)[0] === '08P01').toBe(true)
      expect(gateway.refused).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends when the flow is cancelled', async () => {
    const socket = connect()
    socket.write(honest.subarray(0, 12))
    const said = all(socket)
    while (gateway.certified.length === 0 && seen.length === 0) {
      gateway.cancel()
      await new Promise(setImmediate)
    }
    await said
    expect(seen).toEqual([null])
  })

  it('comes to an end whatever is sent', async () => {
    const starts = fc.constantFrom(
      Buffer.alloc(0),
      sslRequest,
      gssRequest,
      honest.subarray(0, 8),
      Buffer.from([22, 3, 1]),
    )
    const bytes = fc
      .tuple(starts, fc.uint8Array({ maxLength: 60 }))
      .map(([start, rest]) => Buffer.concat([start, rest]))
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const socket = connect()
        const said = all(socket)
        socket.end(sent)
        await said
      }),
      { numRuns: 60 },
    )
    await gateway.idle()
    expect(gateway.faults).toEqual([])
  })
})
