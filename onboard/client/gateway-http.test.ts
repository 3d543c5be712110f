import { getEventListeners } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gatewayHttp, jsonOf } from './gateway-http.ts'

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'
const ask = { method: 'GET', path: '/info', timeoutMs: 2000 } as const

describe('gatewayHttp()', () => {
  it('uses one connection for requests in a row', async () => {
    let connections = 0
    const { http } = await aGateway((socket) => {
      connections += 1
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'))
    })
    for (let count = 0; count < 3; count++) expect(await http.ask(ask)).toEqual({ status: 200, text: '{}' })
    expect(connections).toBe(1)
  })

  it('sends a JSON body with its length and the token', async () => {
    let seen = ''
    const { http } = await aGateway((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString()
        if (seen.endsWith('}')) socket.end('HTTP/1.1 204 No Content\r\n\r\n')
      })
    })
    await http.ask({ ...ask, method: 'POST', token: 'cpt_x', body: { a: 'ü' } })
    expect(seen).toContain('authorization: Bearer cpt_x')
    expect(seen).toContain('content-length: 10')
    expect(seen.endsWith('{"a":"ü"}')).toBe(true)
  })

  it.each([
    ['says nothing', () => undefined, 'no answer in 0.05 s'],
    ['never ends its answer', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n{'), 'no answer in 0.05 s'],
    ['hangs up', (socket: Socket) => socket.destroy(), ''],
    ['hangs up in the middle', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'), ''],
    ['speaks no HTTP', (socket: Socket) => socket.end('hello\r\n\r\n'), 'Parse Error'],
    [
      'goes on for ever',
      (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(300_000)}`),
      'the answer is too long',
    ],
  ])('says so of a gateway that %s', async (_what, behave, message) => {
    const { http, url } = await aGateway((socket) => socket.once('data', () => behave(socket)))
    await expect(http.ask({ ...ask, timeoutMs: message.startsWith('no answer') ? 50 : 2000 })).rejects.toMatchObject({
      code: 'CP_ONBOARD',
      message: expect.stringContaining(`Cannot reach the gateway at ${url}: ${message}`),
    })
  })

  it('says so of a gateway without a certificate', async () => {
    // a fatal alert: internal error
    const { port } = await aGateway((socket) =>
      socket.once('data', () => socket.end(Buffer.from('15030300020250', 'hex'))),
    )
    const http = await gatewayHttp({ url: `https://127.0.0.1:${port}`, trust: 'system', ca: null })
    onTestFinished(() => http.close())
    await expect(http.ask(ask)).rejects.toMatchObject({
      message: `Cannot reach the gateway at https://127.0.0.1:${port}: it ended the TLS handshake (internal error)`,
      hint: 'it may not have its certificate yet: try again in a minute',
    })
  })

  it('stops at once when it is told to, before or while it asks', async () => {
    const stop = new AbortController()
    const { http } = await aGateway((socket) => socket.once('data', () => stop.abort()))
    await expect(http.ask({ ...ask, signal: stop.signal })).rejects.toThrow('interrupted')
    await expect(http.ask({ ...ask, signal: stop.signal })).rejects.toThrow('interrupted')
  })
})

describe('a signal', () => {
  it('is left alone once there is an answer', async () => {
    const { signal } = new AbortController()
    const { http } = await aGateway((socket) => socket.on('data', () => socket.write(answer)))
    await http.ask({ ...ask, signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('jsonOf()', () => {
  it.each(['', 'x', '1', 'null', '"a"'])('is null for %j', (text) => {
    expect(jsonOf({ status: 200, text })).toBeNull()
  })
})

describe('a way of its own', () => {
  it('is taken for every connection, whatever the URL resolves to', async () => {
    let connections = 0
    const { port } = await aGateway((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n{}')))
    const address = { url: 'http://nowhere.invalid:1', trust: 'none', ca: null } as const
    const http = await gatewayHttp(address, async () => {
      connections += 1
      return connect(port, '127.0.0.1')
    })
    onTestFinished(() => http.close())
    expect(await http.ask(ask)).toEqual({ status: 200, text: '{}' })
    expect(await http.ask(ask)).toEqual({ status: 200, text: '{}' })
    expect(connections).toBe(2)
  })

  it.each([
    'none',
    'unverified',
    'system',
  ] as const)('that leads nowhere is a failure to reach it (%s)', async (trust) => {
    const scheme = trust === 'none' ? 'http' : 'https'
    const http = await gatewayHttp({ url: `${scheme}://127.0.0.1:1`, trust, ca: null }, () =>
      Promise.reject(new Error('timed out')),
    )
    onTestFinished(() => http.close())
    await expect(http.ask(ask)).rejects.toThrow(`Cannot reach the gateway at ${scheme}://127.0.0.1:1: timed out`)
  })
})

async function aGateway(serve: (socket: Socket) => unknown) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = await gatewayHttp({ url, trust: 'none', ca: null })
  onTestFinished(() => {
    http.close()
    server.close()
  })
  return { http, url, port: (server.address() as AddressInfo).port }
}
