import http2 from 'node:http2'
import nodeHttps from 'node:https'
import type net from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aCredential, aRule, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'
const rounds = 150

/** Numbers that look random and are the same every time. */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

/** An upstream that answers, stalls, breaks off or closes as the path says. */
function misbehave(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void {
  const { socket, stream } = request
  const destroy = () => (stream === undefined ? socket.destroy() : stream.destroy())
  for (const each of [request, response]) each.on('error', () => undefined)
  request.resume()
  switch (request.url.slice(1, 6)) {
    case 'reset':
      return void destroy()
    case 'break':
      response.writeHead(200)
      response.write('half', () => destroy())
      return
    case 'large':
      return void response.end(Buffer.alloc(300_000))
    case 'early':
      return void response.end('early')
    case 'stall':
      return
    default:
      request.on('end', () => response.end('ok'))
  }
}

describe('under aborts from both sides', () => {
  let pki: Pki
  const sockets = new Set<net.Socket>()
  const servers: net.Server[] = []
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)

  beforeAll(() => {
    pki = makePki([host])
    process.on('unhandledRejection', note)
  })
  afterAll(() => {
    process.off('unhandledRejection', note)
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    pki?.[Symbol.dispose]()
  })

  async function start(leg: '1.1' | '2'): Promise<Gateway> {
    const identity = { key: pki.server.key, cert: pki.server.chain }
    const server =
      leg === '2'
        ? http2.createSecureServer(identity, misbehave)
        : nodeHttps.createServer(identity, misbehave as unknown as Parameters<typeof nodeHttps.createServer>[1])
    server.on('sessionError', () => undefined)
    server.on('connection', (socket: net.Socket) => sockets.add(socket))
    servers.push(server)
    return await startGateway({
      pki,
      host,
      upstreamPort: await listen(server),
      rules: [aRule('no-body', "http.path == '/read' && http.body.contains('DROP')", 'dropped')],
      credentials: [aCredential('c', 'bearer_token')],
      secrets: { c: { '': 'secret-of-the-test' } },
    })
  }

  it.each(['1.1', '2'] as const)('closes every action and every connection, upstream HTTP/%s', async (leg) => {
    const gateway = await start(leg)
    const pick = sequence(42)
    const paths = ['reset', 'break', 'large', 'early', 'stall', 'whole', 'read']
    const session = http2.connect(`https://127.0.0.1:${gateway.port}`, { servername: host, ca: pki.ca })
    session.on('error', () => undefined)
    const agent = new nodeHttps.Agent({ keepAlive: true, maxSockets: 8, ca: pki.ca })
    const asks = Array.from({ length: rounds }, async (_, round) => {
      const path = `/${paths[pick(paths.length)]}`
      const body = pick(2) === 0 ? null : Buffer.alloc(pick(200_000))
      // what stalls must be left; of the rest, some are
      const leaveMs = path === '/stall' || pick(3) === 0 ? pick(60) : null
      const method = body === null ? 'GET' : 'POST'
      await (round % 2 === 0
        ? overHttp2(session, { path, method, body, leaveMs })
        : overHttp1(agent, gateway.port, { path, method, body, leaveMs }))
    })
    await Promise.all(asks)
    session.destroy()
    agent.destroy()
    await gateway.idle()
    await gateway.settled()
    expect(gateway.faults).toEqual([])
    expect(rejections).toEqual([])
    expect(gateway.actions.length).toBeGreaterThan(rounds / 3)
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
    await gateway[Symbol.asyncDispose]()
  })

  interface Ask {
    readonly path: string
    readonly method: string
    readonly body: Buffer | null
    readonly leaveMs: number | null
  }

  function overHttp2(session: http2.ClientHttp2Session, { path, method, body, leaveMs }: Ask): Promise<void> {
    const stream = session.request(
      { ':path': path, ':method': method, ':authority': host },
      { endStream: body === null },
    )
    stream.on('error', () => undefined).resume()
    if (body !== null) stream.end(body)
    if (leaveMs !== null) setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), leaveMs)
    return new Promise((resolve) => stream.on('close', () => resolve()))
  }

  function overHttp1(agent: nodeHttps.Agent, port: number, { path, method, body, leaveMs }: Ask): Promise<void> {
    const request = nodeHttps.request({
      agent,
      port,
      path,
      method,
      host: '127.0.0.1',
      servername: host,
      headers: { host },
    })
    request.on('error', () => undefined)
    request.on('response', (response) => response.on('error', () => undefined).resume())
    request.end(body ?? undefined)
    if (leaveMs !== null) setTimeout(() => request.destroy(), leaveMs)
    return new Promise((resolve) => request.on('close', () => resolve()))
  }
})
