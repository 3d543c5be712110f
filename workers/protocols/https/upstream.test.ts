import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import nodeHttps from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CredentialUse } from '../../contract/profile.ts'
import {
  aCredential,
  curl,
  type Gateway,
  type GatewayParts,
  listen,
  makePki,
  type Pki,
  startGateway,
} from './session.fixture.ts'

const host = 'api.example.test'
const url = (path: string) => `https://${host}${path}`
const token = 'upstream-secret-5f0c1d7a99e24b1f'

describe('the upstream leg', () => {
  let pki: Pki
  const servers: (net.Server & { closeAllConnections?: () => void })[] = []
  const gateways: Gateway[] = []
  const sockets = new Set<net.Socket>()

  beforeAll(() => {
    pki = makePki([host])
  })
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await gateway[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) server.close()
  })
  afterAll(() => pki?.[Symbol.dispose]())

  async function serve(server: net.Server): Promise<number> {
    server.on('connection', (socket: net.Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    servers.push(server)
    return await listen(server)
  }
  const identity = () => ({ key: pki.server.key, cert: pki.server.chain })
  const https = (handler: http.RequestListener, options: tls.TlsOptions = {}) =>
    nodeHttps.createServer({ ...identity(), ...options }, handler)
  async function gatewayTo(upstreamPort: number, parts: Partial<GatewayParts> = {}): Promise<Gateway> {
    const gateway = await startGateway({ pki, host, upstreamPort, ...parts })
    gateways.push(gateway)
    return gateway
  }
  const problem = async (gateway: Gateway, ...args: string[]) =>
    JSON.parse(await curl(gateway, pki, ...args, url('/'))) as { status: number; detail: string; rule?: string }

  it('uses a connection again, and a new one where the kept one was closed', async () => {
    const server = https((request, response) => {
      response.end('ok')
      if (request.url === '/last') response.on('finish', () => setImmediate(() => request.socket.destroy()))
    })
    const gateway = await gatewayTo(await serve(server))
    for (let count = 0; count < 5; count += 1) expect(await curl(gateway, pki, url('/'))).toBe('ok')
    expect(gateway.dials).toBe(1)
    expect(await curl(gateway, pki, url('/last'), url('/'))).toBe('okok')
    expect(gateway.dials).toBe(2)
  })

  it('sends a GET again when a kept connection dies under it, and a POST never', async () => {
    let count = 0
    const server = tls.createServer({ ...identity(), ALPNProtocols: ['http/1.1'] }, (socket) => {
      let isUsed = false
      socket.on('error', () => undefined)
      socket.on('data', () => {
        count += 1
        // the first request of a connection is answered, the second finds it dead
        if (isUsed) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        isUsed = true
      })
    })
    const gateway = await gatewayTo(await serve(server))
    expect(await curl(gateway, pki, url('/1'))).toBe('ok')
    expect(await curl(gateway, pki, url('/2'))).toBe('ok')
    expect(count).toBe(3)
    expect(gateway.dials).toBe(2)
    expect(await problem(gateway, '-X', 'POST')).toMatchObject({
      status: 502,
      detail: 'the upstream closed the connection',
    })
    expect(gateway.dials).toBe(2)
    await gateway.settled()
    expect(gateway.actions.map(({ closing }) => closing?.status)).toEqual(['200', '200', 'error'])
  })

  it.each([
    ['not trusted', 'stranger', 'the certificate of the upstream is not trusted'],
    ['for another name', 'server', 'the certificate of the upstream is for another name'],
  ] as const)('names the fault of a certificate that is %s', async (_name, whose, words) => {
    const { key, chain } = pki[whose]
    const port = await serve(nodeHttps.createServer({ key, cert: chain }))
    const name = `${whose}.other.test`
    using own = makePki([name])
    const gateway = await gatewayTo(port, { host: name, settings: { ca_cert: pki.ca }, pki: own })
    const said = JSON.parse(await curl(gateway, own, `https://${name}/`)) as { status: number; detail: string }
    expect(said.status).toBe(502)
    expect(said.detail).toContain(words)
    expect(gateway.actions[0]?.closing?.error).toContain(words)
  })

  it('answers 502 when nothing listens, and when what listens is not TLS or not HTTP', async () => {
    const port = await serve(net.createServer())
    const gone = servers.pop()
    await new Promise((resolve) => gone?.close(resolve))
    expect((await problem(await gatewayTo(port))).detail).toBe('the upstream cannot be reached')
    const plain = await serve(http.createServer())
    expect((await problem(await gatewayTo(plain))).detail).toContain('TLS')
    const shout = tls.createServer(identity(), (socket) => socket.on('error', () => undefined).end('NOT HTTP\r\n\r\n'))
    expect((await problem(await gatewayTo(await serve(shout)))).detail).toContain('does not speak HTTP/1.1')
  })

  it('breaks an answer off where the upstream does, and records it', async () => {
    const server = https((_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half', () => response.destroy())
    })
    const gateway = await gatewayTo(await serve(server))
    for (const version of ['--http1.1', '--http2'])
      await expect(curl(gateway, pki, version, url('/'))).rejects.toThrow(/curl: \((18|92|56)\)/)
    await gateway.settled()
    expect(gateway.actions.map(({ closing }) => closing)).toMatchObject([
      { status: '200', error: 'the upstream closed the connection', bytesDown: 4 },
      { status: '200', error: 'the upstream closed the connection', bytesDown: 4 },
    ])
  })

  it.each(['1.1', '2'])('answers 400 where a streamed body breaks off being valid, to HTTP/%s', async (version) => {
    const make = { '1.1': () => https(() => undefined), '2': () => http2.createSecureServer(identity()) }
    const server = version === '2' ? make['2']() : make['1.1']()
    const arrived = once(server, 'request') as Promise<[http.IncomingMessage]>
    const gateway = await gatewayTo(await serve(server))
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    client.write(`PUT / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`)
    const [request] = await arrived
    request.on('error', () => undefined)
    const broken = new Promise((resolve) => request.on('close', resolve))
    client.write('zz\r\n')
    expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /)
    await broken
    client.destroy()
    await gateway.settled()
    expect(gateway.actions[0]?.closing).toMatchObject({ status: 'error', error: expect.stringMatching(/chunk size/) })
  })

  it('passes events as they come, and stops the upstream when the agent leaves', async () => {
    const streams: http.ServerResponse[] = []
    const server = https((_request, response) => {
      streams.push(response)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
    })
    const gateway = await gatewayTo(await serve(server))
    const request = nodeHttps.get({
      host: '127.0.0.1',
      port: gateway.port,
      servername: host,
      ca: pki.ca,
      headers: { host },
    })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    response.on('error', () => undefined)
    expect(String((await once(response, 'data'))[0])).toBe('data: one\n\n')
    streams[0]?.write('data: two\n\n')
    expect(String((await once(response, 'data'))[0])).toBe('data: two\n\n')
    const stopped = once(streams[0] as http.ServerResponse, 'close')
    request.on('error', () => undefined)
    request.destroy()
    await stopped
    await gateway.settled()
    expect(gateway.actions[0]?.closing).toMatchObject({
      status: 'error',
      error: expect.stringMatching(/^the agent closed/),
    })
  })

  it('does not read faster than a slow agent', async () => {
    let sent = 0
    const chunk = Buffer.alloc(256 * 1024)
    const server = https((_request, response) => {
      const more = () => {
        while (sent < 256 && response.write(chunk)) sent += 1
      }
      response.on('drain', more)
      more()
    })
    const gateway = await gatewayTo(await serve(server))
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await once(client, 'readable')
    // nothing is read: it stops once every buffer on the way is full
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(200)
    client.destroy()
    await gateway.settled()
  })

  describe('with credentials', () => {
    const seen: http.IncomingHttpHeaders[] = []
    const echo: http.RequestListener = (request, response) => {
      seen.push(request.headers)
      const { subject } = (request.socket as tls.TLSSocket).getPeerCertificate?.() ?? {}
      response.end(JSON.stringify({ subject: subject?.CN ?? null }))
    }
    async function ask(credentials: readonly CredentialUse[], secrets: GatewayParts['secrets'], ...args: string[]) {
      seen.length = 0
      const gateway = await gatewayTo(await serve(https(echo)), { credentials, secrets: secrets ?? {} })
      const status = await curl(gateway, pki, '-o', '/dev/null', '-w', '%{http_code}', ...args, url('/p'))
      await gateway.settled()
      return { status, headers: seen[0] ?? null, action: gateway.actions[0] }
    }

    it.each([
      ['basic_auth', { username: 'bot' }, { authorization: `Basic ${Buffer.from(`bot:${token}`).toString('base64')}` }],
      ['header_token', { header: 'X-Api-Key', prefix: 'key ' }, { 'x-api-key': `key ${token}` }],
      ['cookie_token', { cookie_name: 'sid' }, { cookie: `a=1; b=2; sid=${token}` }],
      ['bearer_token', {}, { authorization: `Bearer ${token}` }],
    ])('%s puts the secret in place of what the agent sent', async (type, settings, expected) => {
      const mine = ['-H', 'X-Api-Key: mine', '-H', 'Authorization: mine', '-b', 'a=1; sid=mine; b=2']
      const { headers } = await ask([aCredential('c', type, { settings })], { c: { '': `${token}\n` } }, ...mine)
      expect(headers).toMatchObject(expected)
    })

    it('gives each writing request an Idempotency-Key of its own', async () => {
      const credentials = [aCredential('c', 'bearer_token', { settings: { idempotency_key: true } })]
      const keys = []
      for (let count = 0; count < 2; count += 1)
        keys.push((await ask(credentials, { c: { '': token } }, '-X', 'POST')).headers?.['idempotency-key'])
      expect(new Set(keys).size).toBe(2)
      expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
      expect((await ask(credentials, { c: { '': token } })).headers).not.toHaveProperty('idempotency-key')
    })

    it('picks by placeholder, wherever a client of the type puts it', async () => {
      const credentials = [
        aCredential('live', 'bearer_token', { disambiguator: { placeholder: 'PH_live' } }),
        aCredential('live2', 'bearer_token', { disambiguator: { placeholder: 'PH_live_2' } }),
        aCredential('keyed', 'header_token', {
          settings: { header: 'X-Key' },
          disambiguator: { placeholder: 'PH_key' },
        }),
        aCredential('rest', 'bearer_token'),
      ]
      const secrets = Object.fromEntries(credentials.map(({ name }) => [name, { '': `secret-of-${name}` }]))
      const chosen = async (...args: string[]) => (await ask(credentials, secrets, ...args)).action?.seen.credential
      expect(await chosen('-H', 'Authorization: Bearer PH_live')).toBe('live')
      expect(await chosen('-H', 'Authorization: Bearer PH_live_2')).toBe('live2')
      expect(await chosen('-u', 'x:PH_live')).toBe('live')
      expect(await chosen('-b', 't=PH_live')).toBe('live')
      expect(await chosen('-H', 'X-Key: PH_key')).toBe('keyed')
      expect(await chosen()).toBe('rest')
      expect(await chosen('-H', 'X-Key: PH_key', '-b', 't=PH_live')).toBe(null)
    })

    it.each([
      ['missing', null],
      ['empty', { '': '' }],
      ['in another slot', { other: token }],
      ['no header value', { '': 'a\r\nX-Injected: 1' }],
    ])('denies when the secret is %s, and sends nothing', async (_name, secret) => {
      const { status, headers, action } = await ask([aCredential('c', 'bearer_token')], { c: secret })
      expect({ status, headers }).toEqual({ status: '403', headers: null })
      expect(action?.kind).toBe('deny')
      expect(action?.closing).toMatchObject({ status: 'denied' })
    })

    it('denies a credential type it has no code for', async () => {
      expect((await ask([aCredential('c', 'magic')], { c: { '': token } })).status).toBe('403')
    })

    it('shows a client certificate, and keeps its connections apart from those without', async () => {
      const port = await serve(https(echo, { requestCert: true, rejectUnauthorized: false, ca: pki.ca }))
      const slots = { cert: pki.client.chain, key: pki.client.key, ca: pki.ca }
      const own = await gatewayTo(port, { credentials: [aCredential('m', 'mtls_credential')], secrets: { m: slots } })
      expect(await curl(own, pki, url('/'))).toBe('{"subject":"client"}')
      const none = await gatewayTo(port)
      expect(await curl(none, pki, url('/'))).toBe('{"subject":null}')
      const broken = { ...slots, key: 'no key' }
      const bad = await gatewayTo(port, { credentials: [aCredential('m', 'mtls_credential')], secrets: { m: broken } })
      const said = await problem(bad)
      expect(said).toMatchObject({ status: 502, detail: expect.stringContaining('not usable PEM') })
    })
  })
})
