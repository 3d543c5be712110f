import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http2 from 'node:http2'
import nodeHttps from 'node:https'
import type net from 'node:net'
import grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aCredential, aRule, curl, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'
const url = (path: string) => `https://${host}${path}`
const token = 'upstream-secret-5f0c1d7a99e24b1f'
const big = randomBytes(4 << 20)
const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const rules = [
  aRule('no-delete', "http.method == 'DELETE'", 'nothing is deleted here'),
  aRule('no-transfer', "http.path == '/demo.Ledger/Transfer'", 'no transfers'),
]
const credentials = [aCredential('api-token', 'bearer_token')]
const secrets = { 'api-token': { '': token } }

/** Answers alike over both versions. */
async function answer(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const { method, url: path, headers, httpVersion } = request
  if (headers.authorization !== `Bearer ${token}`) response.statusCode = 401
  if (path === '/big') {
    response.end(big)
    return
  }
  if (path.startsWith('/demo.Ledger')) {
    response.setHeader('content-type', 'application/grpc')
    response.addTrailers({ 'grpc-status': response.statusCode === 200 && headers.te === 'trailers' ? '0' : '16' })
    response.end(body)
    return
  }
  if (path === '/trailers') {
    response.setHeader('Trailer', 'X-Sum')
    response.write('with trailers')
    response.addTrailers({ 'X-Sum': request.trailers['x-ask'] ?? 'none', 'Set-Cookie': 'no' })
    response.end()
    return
  }
  if (path === '/cookies') {
    response.end(`${headers.cookie}`)
    return
  }
  response.end(`${method} ${path} ${httpVersion} ${body.length > 64 ? sum(body) : body.toString()}`)
}

describe('an HTTPS flow', () => {
  let pki: Pki
  let modern: http2.Http2SecureServer
  let classic: nodeHttps.Server
  const sockets = new Set<net.Socket>()
  const open = new Set<Gateway>()

  beforeAll(async () => {
    pki = makePki([host])
    const identity = { key: pki.server.key, cert: pki.server.chain }
    modern = http2.createSecureServer(identity)
    modern.on('request', (request, response) => {
      answer(request, response).catch(() => undefined)
    })
    classic = nodeHttps.createServer(identity, (request, response) => {
      answer(request as never, response as never).catch(() => undefined)
    })
    for (const server of [modern, classic])
      server.on('secureConnection', (socket: net.Socket) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
      })
    await Promise.all([listen(modern), listen(classic)])
  })
  afterAll(async () => {
    for (const gateway of open) await gateway[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    modern?.close()
    classic?.close()
    pki?.[Symbol.dispose]()
  })

  const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port
  async function gatewayTo(server: net.Server): Promise<Gateway> {
    const gateway = await startGateway({ pki, host, upstreamPort: portOf(server), rules, credentials, secrets })
    open.add(gateway)
    return gateway
  }
  function connect(gateway: Gateway): http2.ClientHttp2Session {
    return http2.connect(`https://127.0.0.1:${gateway.port}`, { servername: host, ca: pki.ca })
  }
  async function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: Buffer) {
    const stream = session.request({ ':authority': host, ...headers }, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const trailers: http2.IncomingHttpHeaders[] = []
    stream.on('trailers', (fields) => trailers.push(fields))
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    return { head, body: Buffer.concat(chunks), trailers: trailers[0] ?? {} }
  }

  const pairs = ['--http1.1', '--http2'].flatMap((agent) => ['1.1', '2.0'].map((leg) => [agent, leg] as const))
  describe.each(pairs)('from curl %s to an upstream of HTTP/%s', (agent, leg) => {
    let gateway: Gateway
    const run = (...args: string[]) => curl(gateway, pki, agent, ...args)
    beforeAll(async () => {
      gateway = await gatewayTo(leg === '2.0' ? modern : classic)
    })
    beforeEach(() => {
      gateway.actions.length = 0
    })

    it('passes requests without and with a body', async () => {
      const shown = agent === '--http2' ? '2' : '1.1'
      expect(await run('-w', ' %{http_version}', url('/a?b=c'))).toBe(`GET /a?b=c ${leg}  ${shown}`)
      expect(await run('-d', 'x=1', url('/post'))).toBe(`POST /post ${leg} x=1`)
      expect(await run('-H', 'Transfer-Encoding: chunked', '-d', 'x=2', url('/put'))).toBe(`POST /put ${leg} x=2`)
      await gateway.settled()
      expect(gateway.actions.map(({ closing }) => closing?.status)).toEqual(['200', '200', '200'])
    })

    it('passes 4 MiB both ways unchanged', async () => {
      expect(await run('--data-binary', `@${pki.caFile}`, url('/up'))).toBe(
        `POST /up ${leg} ${sum(Buffer.from(pki.ca))}`,
      )
      const session = connect(gateway)
      expect((await ask(session, { ':path': '/up', ':method': 'PUT' }, big)).body.toString()).toBe(
        `PUT /up ${leg} ${sum(big)}`,
      )
      expect(sum((await ask(session, { ':path': '/big' })).body)).toBe(sum(big))
      session.close()
      expect(await run('-o', '/dev/null', '-w', '%{size_download}', url('/big'))).toBe(String(big.length))
      await gateway.settled()
      expect(gateway.actions.at(-1)?.closing).toMatchObject({ bytesDown: big.length, error: null })
    })

    it('denies, answers HEAD and keeps cookies together', async () => {
      expect(await run('-X', 'DELETE', '-o', '/dev/null', '-w', '%{http_code}', url('/x'))).toBe('403')
      expect(await run('-I', '-w', '%{http_code}', '-o', '/dev/null', url('/x'))).toBe('200')
      expect(await run('-I', '-X', 'HEAD', '-w', '%{http_code}', '-o', '/dev/null', url('/big'))).toBe('200')
      expect(await run('-b', 'a=1; b=2', url('/cookies'))).toBe('a=1; b=2')
    })
  })

  it('passes trailers both ways without those an agent may not see', async () => {
    for (const server of [modern, classic]) {
      const session = connect(await gatewayTo(server))
      const stream = session.request(
        { ':authority': host, ':path': '/trailers', ':method': 'POST', te: 'trailers' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-ask': 'forty-two' }))
      stream.end('body')
      stream.resume()
      const [trailers] = (await once(stream, 'trailers')) as [http2.IncomingHttpHeaders]
      expect(Object.entries(trailers)).toEqual([['x-sum', 'forty-two']])
      session.close()
    }
  })

  it('passes a gRPC call with its status and refuses a denied one with PERMISSION_DENIED', async () => {
    const gateway = await gatewayTo(modern)
    const client = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createSsl(Buffer.from(pki.ca)), {
      'grpc.ssl_target_name_override': host,
      'grpc.default_authority': host,
    })
    const call = (path: string) =>
      new Promise<string>((resolve) => {
        client.makeUnaryRequest(
          path,
          (text: string) => Buffer.from(text),
          String,
          'ping',
          (error, value) => resolve(error === null ? `answered ${value}` : `failed ${error.code} ${error.details}`),
        )
      })
    expect(await call('/demo.Ledger/Balance')).toBe('answered ping')
    expect(await call('/demo.Ledger/Transfer')).toBe(
      'failed 7 clawpatrol denied this request: no transfers [no-transfer]',
    )
    client.close()
  })

  it('sends the streams of one agent over one connection to the upstream', async () => {
    const gateway = await gatewayTo(modern)
    const session = connect(gateway)
    const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => ask(session, { ':path': `/${at}` })))
    expect(answers.map(({ body }) => body.toString())).toEqual(answers.map((_, at) => `GET /${at} 2.0 `))
    expect(gateway.dials).toBe(1)
    session.close()
  })

  it('cancels upstream what the agent cancels', async () => {
    const gateway = await gatewayTo(modern)
    const session = connect(gateway)
    const arrived = once(modern, 'stream') as Promise<[http2.ServerHttp2Stream]>
    const stream = session.request({ ':authority': host, ':path': '/wait', ':method': 'POST' }, { endStream: false })
    stream.on('error', () => undefined)
    const [upstream] = await arrived
    upstream.on('error', () => undefined)
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await once(upstream, 'close')
    await gateway.settled()
    expect(gateway.actions[0]?.closing).toMatchObject({ status: 'error', error: 'the agent cancelled the request' })
    session.close()
  })

  it('says GOAWAY when the flow is cancelled', async () => {
    const gateway = await gatewayTo(modern)
    const session = connect(gateway)
    await ask(session, { ':path': '/one' })
    const goaway = once(session, 'goaway')
    session.on('error', () => undefined)
    gateway.cancel()
    expect(await goaway).toContain(http2.constants.NGHTTP2_CANCEL)
  })

  it('refuses a stream for another host and serves the next', async () => {
    const gateway = await gatewayTo(modern)
    const session = connect(gateway)
    expect((await ask(session, { ':authority': 'other.example', ':path': '/' })).head[':status']).toBe(421)
    expect((await ask(session, { ':path': '/' })).head[':status']).toBe(200)
    expect(gateway.refused.map(({ reason }) => reason)).toEqual([
      'the request names another host than the connection was opened to',
    ])
    session.close()
  })
})
