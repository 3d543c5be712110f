import { once } from 'node:events'
import http2 from 'node:http2'
import nodeHttps from 'node:https'
import type net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ClientOptions, type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws'
import { aCredential, aRule, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'
const token = 'upstream-secret-5f0c1d7a99e24b1f'
const parts = {
  host,
  rules: [aRule('no-socket', "http.path == '/no'", 'no sockets here')],
  credentials: [aCredential('api-token', 'bearer_token')],
  secrets: { 'api-token': { '': token } },
}

describe('an upgraded connection', () => {
  let pki: Pki
  let server: nodeHttps.Server
  let gateway: Gateway
  const sockets = new Set<Duplex>()
  const seen: (string | undefined)[] = []

  beforeAll(async () => {
    pki = makePki([host])
    server = nodeHttps.createServer({ key: pki.server.key, cert: pki.server.chain })
    const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 64 } })
    server.on('upgrade', (request, socket: Duplex, head) => {
      sockets.add(socket)
      seen.push(request.headers.authorization)
      if (request.headers.upgrade !== 'websocket') {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nfirst')
        socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()))
        socket.on('end', () => socket.end())
        return
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }))
      })
    })
    gateway = await startGateway({ ...parts, pki, upstreamPort: await listen(server) })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    server?.close()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    gateway.actions.length = 0
    gateway.faults.length = 0
  })

  const connect = (port: number, path: string, perMessageDeflate: boolean | PerMessageDeflateOptions) => {
    const secure: ClientOptions & tls.ConnectionOptions = { ca: pki.ca, servername: host }
    return new WebSocket(`wss://127.0.0.1:${port}${path}`, { ...secure, headers: { host }, perMessageDeflate })
  }
  const open = (path: string, perMessageDeflate: boolean | PerMessageDeflateOptions) =>
    connect(gateway.port, path, perMessageDeflate)

  it.each([
    ['plain', false],
    ['deflated, with the window carried on', true],
    ['deflated, each by itself', { serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ])('passes a WebSocket and records its text messages, %s', async (_name, deflate) => {
    const socket = open('/socket', deflate)
    await once(socket, 'open')
    const long = 'the same words again and again, '.repeat(20)
    const back: string[] = []
    const all = new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer, isBinary) => {
        back.push(isBinary ? `binary ${data.length}` : data.toString())
        if (back.length === 5) resolve()
      }),
    )
    socket.send('hello')
    socket.send(long)
    socket.send(long)
    socket.send(Buffer.alloc(100_000, 7))
    socket.send('in ', { fin: false })
    socket.send('pieces')
    await all
    expect(back).toEqual(['hello', long, long, 'binary 100000', 'in pieces'])
    socket.close(1000)
    await once(socket, 'close')
    await gateway.settled()
    expect(seen.at(-1)).toBe(`Bearer ${token}`)
    const texts = ['hello', long.slice(0, 512), long.slice(0, 512), 'in pieces']
    const [action] = gateway.actions
    expect(action?.closing).toMatchObject({ status: '101', error: null })
    for (const way of ['up', 'down'])
      expect(action?.frames.filter(({ direction }) => direction === way).map(({ text }) => text)).toEqual(texts)
  })

  it('denies a WebSocket with 403', async () => {
    const socket = open('/no', false)
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toBe('Unexpected server response: 403')
  })

  it('ends a WebSocket whose frames are none', async () => {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`)
    const [head] = (await once(client, 'data')) as [Buffer]
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /)
    client.on('error', () => undefined)
    client.write(Buffer.from([0x81, 0x01, 0x41]))
    await once(client, 'close')
    await gateway.settled()
    expect(gateway.actions[0]?.closing?.error).toBe('a WebSocket frame is masked on the wrong side')
  })

  it('passes any other protocol as bytes, those that came early too', async () => {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    let said = ''
    client.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.endsWith('EARLY')) client.end('late')
    })
    client.write(`POST /x HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nearly`)
    await once(client, 'close')
    const [head = '', bytes = ''] = said.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: shout'])
    expect(bytes).toBe('firstEARLYLATE')
    await gateway.settled()
    expect(gateway.actions[0]?.closing).toMatchObject({ status: '101', error: null, bytesUp: 9, bytesDown: 14 })
  })

  it('ends with the flow', async () => {
    const socket = open('/socket', false)
    await once(socket, 'open')
    gateway.cancel()
    await once(socket, 'close')
    await gateway.settled()
    expect(gateway.actions[0]?.closing?.status).toBe('101')
  })

  it('answers 502 where the upstream speaks HTTP/2 only', async () => {
    const modern = http2.createSecureServer({ key: pki.server.key, cert: pki.server.chain })
    const held = new Set<net.Socket>()
    modern.on('secureConnection', (socket: net.Socket) => held.add(socket))
    const other = await startGateway({ ...parts, pki, upstreamPort: await listen(modern) })
    const socket = connect(other.port, '/', false)
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toBe('Unexpected server response: 502')
    await other[Symbol.asyncDispose]()
    for (const each of held) each.destroy()
    modern.close()
  })
})
