import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import nodeHttps from 'node:https'
import tls from 'node:tls'
import zlib from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aRule, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'
const get = (path: string, ...lines: string[]) =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n')

describe('an HTTP/1.1 connection of an agent', () => {
  let pki: Pki
  let upstream: nodeHttps.Server
  let gateway: Gateway
  const received: { line: string; body: string; raw: readonly string[] }[] = []

  beforeAll(async () => {
    pki = makePki([host])
    upstream = nodeHttps.createServer({ key: pki.server.key, cert: pki.server.chain }, (request, response) => {
      answer(request, response).catch(() => undefined)
    })
    gateway = await startGateway({
      pki,
      host,
      upstreamPort: await listen(upstream),
      limits: { inspectBytes: 10_000 },
      rules: [
        aRule('no-drop', "http.path == '/judged' && http.body.contains('DROP')", 'dropped'),
        aRule('no-admin', "http.path == '/json' && has(http.body_json.admin)", 'no admin'),
        aRule('no-x', "http.path == '/query' && 'x' in http.query", 'no x'),
        aRule('no-path', "http.path.contains('secret')", 'no secrets'),
      ],
    })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    upstream?.closeAllConnections()
    upstream?.close()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    received.length = 0
    gateway.actions.length = 0
    gateway.refused.length = 0
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/early-hints') response.writeEarlyHints({ link: '</a>; rel=preload' })
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    received.push({
      line: `${request.method} ${request.url}`,
      body: Buffer.concat(chunks).toString('latin1'),
      raw: request.rawHeaders,
    })
    if (request.url === '/close') {
      response.shouldKeepAlive = false
      response.removeHeader('Transfer-Encoding')
    }
    response.sendDate = false
    response.end(`${request.method} ${request.url}`)
  }

  /** Sends raw bytes on one connection; everything that comes back until it is closed or `until` is seen. */
  async function exchange(pieces: readonly (string | Buffer)[], until?: RegExp): Promise<string> {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    client.on('error', () => undefined)
    await once(client, 'secureConnect')
    let said = ''
    const over = new Promise<void>((resolve) => {
      client.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1')
        if (until?.test(said) === true) resolve()
      })
      client.on('close', () => resolve())
    })
    for (const piece of pieces) client.write(piece)
    await over
    client.destroy()
    return said
  }
  const last = (path: string) => get(path, 'Connection: close')
  const statuses = (said: string) => [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))

  it('answers pipelined requests in their order', async () => {
    const said = await exchange([get('/1') + get('/2') + last('/3')])
    expect(said.match(/GET \/\d/g)).toEqual(['GET /1', 'GET /2', 'GET /3'])
  })

  it('takes a head byte by byte', async () => {
    expect(statuses(await exchange([...last('/slow')].map((byte) => Buffer.from(byte))))).toEqual([200])
  })

  it('keeps order and spelling of headers, and drops those that are not for the upstream', async () => {
    await exchange([
      get(
        '/h',
        'X-b: 1',
        'x-A: 2',
        'X-Forwarded-For: 1.1.1.1',
        'Via: x',
        'Connection: close, X-Hop',
        'X-Hop: 1',
        'x-A: 3',
      ),
    ])
    expect(received[0]?.raw).toEqual(['Host', host, 'X-b', '1', 'x-A', '2', 'x-A', '3'])
  })

  it('takes an absolute target and HTTP/1.0', async () => {
    expect(statuses(await exchange([last(`https://${host}/abs?x`)]))).toEqual([200])
    expect(await exchange(['GET /old HTTP/1.0\r\n\r\n'])).toMatch(
      /^HTTP\/1\.1 200 .*Connection: close\r\n\r\nGET \/old$/s,
    )
    expect(received.map(({ line }) => line)).toEqual(['GET /abs?x', 'GET /old'])
  })

  it.each([
    ['two lengths', get('/', 'Content-Length: 1', 'Content-Length: 2'), 400],
    ['length and coding', get('/', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 400],
    ['a coding that is not chunked', get('/', 'Transfer-Encoding: gzip, chunked'), 501],
    ['a space before the colon', get('/', 'X : 1'), 400],
    ['a folded line', get('/', 'X: 1', ' 2'), 400],
    ['a bare line feed', `GET / HTTP/1.1\nHost: ${host}\n\n`, 400],
    ['a control byte', get('/', 'X: a\0b'), 400],
    ['two hosts', get('/', `Host: ${host}`), 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['another version', `GET / HTTP/3.0\r\nHost: ${host}\r\n\r\n`, 505],
    ['CONNECT', `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 405],
    ['a head that is too long', get('/', `X: ${'a'.repeat(70_000)}`), 431],
    ['too many fields', get('/', ...Array.from({ length: 201 }, (_, at) => `X${at}: 1`)), 431],
    ['a bad chunk size', `${get('/', 'Transfer-Encoding: chunked')}zz\r\n`, 400],
  ])('refuses %s, records it and closes', async (_name, bytes, status) => {
    const said = await exchange([bytes])
    expect(statuses(said)).toEqual([status])
    expect(said).toContain('application/problem+json')
    expect(gateway.refused).toHaveLength(1)
    expect(received).toEqual([])
  })

  it('refuses a request for another host with 421', async () => {
    const other = last('/').replace(host, 'other.example')
    expect(statuses(await exchange([other, last(`https://other.example/`).replace(host, 'other.example')]))).toEqual([
      421,
    ])
    expect(received).toEqual([])
    expect(gateway.refused[0]?.reason).toMatch(/another host/)
  })

  it('does not forward a body whose chunks break off being valid', async () => {
    const said = await exchange([`${get('/judged', 'Transfer-Encoding: chunked')}3\r\nabc\r\nzz\r\n`])
    expect(statuses(said)).toEqual([400])
    expect(received).toEqual([])
  })

  it('asks for a body under inspection, and denies it', async () => {
    const head = get('/judged', 'Content-Length: 4', 'Expect: 100-continue', 'Connection: close').replace('GET', 'POST')
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    client.write(head)
    const [invitation] = (await once(client, 'data')) as [Buffer]
    expect(invitation.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('DROP')
    const [answered] = (await once(client, 'data')) as [Buffer]
    expect(statuses(answered.toString())).toEqual([403])
    client.destroy()
  })

  it('passes informational responses', async () => {
    expect(statuses(await exchange([last('/early-hints')]))).toEqual([103, 200])
  })

  const post = (path: string, body: Buffer | string, ...lines: string[]) =>
    Buffer.concat([
      Buffer.from(get(path, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', ...lines)),
      Buffer.from(body),
    ])

  it.each([
    ['plain', 'a harmless body', [], 200],
    ['denied', 'DROP TABLE', [], 403],
    ['gzip', zlib.gzipSync('DROP TABLE'), ['Content-Encoding: gzip'], 403],
    ['br', zlib.brotliCompressSync('DROP TABLE'), ['Content-Encoding: br'], 403],
    ['deflate', zlib.deflateSync('DROP TABLE'), ['Content-Encoding: deflate'], 403],
    ['raw deflate', zlib.deflateRawSync('DROP TABLE'), ['Content-Encoding: deflate'], 403],
    ['gzip of br', zlib.gzipSync(zlib.brotliCompressSync('DROP')), ['Content-Encoding: br, gzip'], 403],
    ['harmless gzip', zlib.gzipSync('fine'), ['Content-Encoding: gzip'], 200],
    ['a bomb', zlib.gzipSync(Buffer.alloc(1 << 20)), ['Content-Encoding: gzip'], 403],
    ['not gzip', 'harmless', ['Content-Encoding: gzip'], 403],
    ['an unknown coding', 'harmless', ['Content-Encoding: rot13'], 403],
    ['UTF-16', Buffer.from('DROP', 'utf16le'), ['Content-Type: text/plain; charset=utf-16'], 403],
    ['too long', 'a'.repeat(10_001), [], 403],
    ['just not too long', 'a'.repeat(10_000), [], 200],
  ])('judges a body of any method: %s', async (_name, body, lines, status) => {
    expect(statuses(await exchange([post('/judged', body, ...lines)]))).toEqual([status])
    expect(received.map((each) => each.body)).toEqual(status === 200 ? [Buffer.from(body).toString('latin1')] : [])
    // a rule that reads nothing of it does not mind
    expect(statuses(await exchange([post('/other', body, ...lines)]))).toEqual([200])
  })

  it.each([
    ['no body', '', 200],
    ['a harmless object', '{"a":1}', 200],
    ['the member', '{"a":1,"admin":true}', 403],
    ['the member by escape', '{"\\u0061dmin":true}', 403],
    ['no JSON', 'admin', 403],
    ['a second document', '{"a":1}{"admin":1}', 403],
    ['a member twice', '{"a":{"b":1,"b":2}}', 403],
    ['members alike in two objects', '{"a":{"b":1},"c":{"b":"x,\\"b\\":1"}}', 200],
  ])('judges JSON: %s', async (_name, body, status) => {
    expect(statuses(await exchange([post('/json', body)]))).toEqual([status])
  })

  it.each([
    ['/query?y=1', 200],
    ['/query?%78=1', 403],
    ['/query?y=%zz', 403],
    ['/a/s%65cret', 403],
    ['/a/%zz', 403],
    ['/a/%C3%28', 403],
    ['/a/%C3%A9', 200],
  ])('judges %s by what it decodes to', async (target, status) => {
    expect(statuses(await exchange([last(target)]))).toEqual([status])
  })

  it('keeps the connection after a deny with a short body, and lets a long one be answered', async () => {
    const denied = get('/x-secret', 'Content-Length: 5')
    expect(statuses(await exchange([`${denied}abcde${last('/next')}`]))).toEqual([403, 200])
    const long = get('/x-secret', 'Content-Length: 3000000')
    expect(statuses(await exchange([long, Buffer.alloc(3_000_000)]))).toEqual([403])
  })

  it('answers a denied HEAD without a body', async () => {
    const said = await exchange([last('/x-secret').replace('GET', 'HEAD')])
    expect(said).toMatch(/^HTTP\/1\.1 403 .*Content-Length: [1-9]\d+\r\n.*\r\n\r\n$/s)
  })

  it('streams a body no rule can decide on any more: unread rules do not hold it up', async () => {
    const head = get('/upload', 'Content-Length: 200000', 'Connection: close').replace('GET', 'PUT')
    expect(statuses(await exchange([head, Buffer.alloc(200_000, 'x')]))).toEqual([200])
    expect(received[0]?.body.length).toBe(200_000)
  })

  it('records an agent that goes away inside its body', async () => {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    client.write(`${get('/judged', 'Content-Length: 10')}abc`)
    await once(client, 'secureConnect')
    client.resume().end()
    await once(client, 'close')
    expect(gateway.refused).toMatchObject([{ reason: expect.stringMatching(/closed/) }])
    expect(received).toEqual([])
  })
})
