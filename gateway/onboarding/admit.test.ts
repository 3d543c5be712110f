import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RequestOrigin } from '../../onboard/server/ports.ts'
import { joinedDevice } from '../../test/support/joining.ts'
import { aNode, aPersonsNode, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import type { Fd } from '../../workers/contract/ids.ts'
import { LoopbackTailnet } from '../tailnet/loopback.ts'
import type { TailnetNode } from '../tailnet/tailnet.ts'
import { type Listener, type ListenerOptions, startOnboardListener } from './listener.ts'

let far: Server
const network = new LoopbackTailnet([])

beforeAll(async () => {
  far = createServer().listen(0, '127.0.0.1')
  await once(far, 'listening')
})
afterAll(async () => {
  far.close()
  await network[Symbol.asyncDispose]()
})

describe('admit()', () => {
  it('serves connections from the tailnet, and says which node is asking', async () => {
    const { admit, origins } = await aGate({ people: [aPersonsNode(1)] })
    expect(await admit({ node: 'n1', from: '100.64.1.1' }, 'GET /info')).toContain('"service":"clawpatrol"')
    expect(origins).toMatchObject([{ source: '100.64.1.1', reach: 'tailnet', node: { stableId: 'n1' } }])
  })

  it('gives what comes through Funnel to the app for it, by the real source', async () => {
    const { admit, origins } = await aGate({})
    expect(await admit({ node: null, from: '198.51.100.9', reach: 'funnel' }, 'GET /info')).toContain(' 404 ')
    const start = await admit({ node: null, from: '198.51.100.9', reach: 'funnel' }, 'POST /api/onboard/start')
    expect(start).toContain('missing or malformed')
    const origin = { source: '198.51.100.9', reach: 'funnel', node: null }
    expect(origins).toEqual([origin, origin])
  })

  it.each([
    ['/api/onboard/%73tart'],
    ['/api/onboard/x/../start'],
    ['/api/onboard/x/%2e%2e/start'],
    ['//api/onboard/start'],
    ['/api/onboard/./start'],
    ['/api/onboard\\start'],
    ['/api/onboard/start%00'],
    ['/api%2fonboard%2fstart'],
    ['http://gate.example/api/onboard/x/../start'],
    ['/api/cred/../onboard/start'],
    ['/api/cred/..%2f..%2finfo'],
    ['/api/hitl/operations/../../../info'],
    ['/info'],
    ['/ca.crt'],
    ['/api/peer/self'],
    ['/api/onboard/approve'],
  ])('finds nothing under %s through Funnel, and says so as for any other path', async (path) => {
    const { admit } = await aGate({})
    const from = { node: null, from: '198.51.100.9', reach: 'funnel' } as const
    for (const method of ['GET', 'POST', 'DELETE']) {
      const [expected, found] = [await admit(from, `${method} /nothing`), await admit(from, `${method} ${path}`)]
      expect(withoutDate(found)).toBe(withoutDate(expected))
      expect(found).toContain(' 404 ')
    }
  })

  it.each([
    ['an address nobody has', async () => null],
    ['another node than the connection is from', async () => nodeOf(aPersonsNode(2))],
    ['nothing, for it fails', () => Promise.reject(new Error('down'))],
    ['nothing in time', () => new Promise<null>(() => undefined)],
  ])('serves nobody when the tailnet knows %s', async (_what, whois) => {
    const { admit, origins } = await aGate({ whois })
    const reply = await admit({ node: 'n1', from: '100.64.1.1' }, 'GET /info')
    expect(reply).toContain(' 403 ')
    expect(origins).toEqual([])
  })

  it('serves nobody from the tailnet without a node', async () => {
    const { admit } = await aGate({ people: [aPersonsNode(1)] })
    expect(await admit({ node: null, from: '100.64.1.1' }, 'GET /info')).toContain(' 403 ')
  })

  it('asks anew who it is for each request of a connection', async () => {
    const people = [nodeOf(aPersonsNode(1))]
    const { open } = await aGate({ whois: async () => people[0] ?? null })
    const socket = await open({ node: 'n1', from: '100.64.1.1' })
    expect(await ask(socket, 'GET /info HTTP/1.1\r\nHost: g\r\n\r\n')).toContain(' 200 ')
    people.length = 0
    expect(await ask(socket, 'GET /info HTTP/1.1\r\nHost: g\r\n\r\n')).toContain(' 403 ')
  })

  it('shows a node of a device only what devices may ask', async () => {
    const { lab, admit } = await aGate({ people: [aNode(1)] })
    const { device, token } = await joinedDevice(lab)
    lab.tailnet.runs.bindRun(device, aNode(1), null)
    const from = { node: 'n1', from: '100.64.1.1' }
    expect(await admit(from, 'GET /info')).toContain(' 404 ')
    expect(await admit(from, 'GET /api/peer/self', `Authorization: Bearer ${token}\r\n`)).toContain('"name":"laptop"')
  })

  it('takes TLS too', async () => {
    const { lab, open } = await aGate({ people: [aPersonsNode(1)] })
    const socket = connectTls({
      socket: await open({ node: 'n1', from: '100.64.1.1' }),
      servername: 'gateway.clawpatrol.internal',
      ca: lab.authority.ca,
    })
    expect(await ask(socket, request('GET /info'))).toContain(' 200 ')
  })

  it('holds at most 128 connections of one address and 256 through Funnel, and leaves room for others', async () => {
    const { open, listener, admit } = await aGate({ people: [aPersonsNode(1)] })
    for (let count = 0; count < 256; count++) {
      const reach = 'funnel'
      await open({ node: null, from: `198.51.100.${count}`, reach })
    }
    expect(await admit({ node: null, from: '203.0.113.1', reach: 'funnel' }, 'GET /nothing')).toBe('')
    expect(await admit({ node: 'n1', from: '100.64.1.1' }, 'GET /info')).toContain(' 200 ')
    for (let count = 0; count < 128; count++) await open({ node: 'n1', from: '100.64.1.1' })
    expect(await admit({ node: 'n1', from: '100.64.1.1' }, 'GET /info')).toBe('')
    expect((await fetch(`http://127.0.0.1:${listener.port}/info`)).status).toBe(200)
  })

  it('closes what it may not take: from a tailnet it does not know, or after its end', async () => {
    const { admit, listener } = await aGate({ alone: true })
    expect(await admit({ node: 'n1', from: '100.64.1.1' }, 'GET /info')).toBe('')
    expect(await admit({ node: null, from: '198.51.100.9', reach: 'funnel' }, 'POST /api/onboard/start')).toBe('')
    await listener[Symbol.asyncDispose]()
    expect(await admit({ node: null, from: '198.51.100.9', reach: 'funnel' }, 'POST /api/onboard/start')).toBe('')
  })

  it('ends what it took when it is closed', async () => {
    const { open, listener } = await aGate({})
    const socket = await open({ node: null, from: '198.51.100.9', reach: 'funnel' })
    const gone = once(socket, 'close')
    await listener[Symbol.asyncDispose]()
    await gone
  })
})

describe('the time a request may take', () => {
  it.each([
    ['for its first byte', ''],
    ['for its head', 'GET /info HTTP/1.1\r\nHost: g\r\nX-Slow: '],
    ['for its TLS handshake', '\u0016\u0003\u0001'],
  ])('is bounded %s', async (_what, text) => {
    const { open } = await aGate({ headMs: 100 })
    const socket = await open({ node: null, from: '198.51.100.9', reach: 'funnel' })
    const gone = once(socket.resume(), 'close')
    socket.write(Buffer.from(text, 'latin1'))
    await gone
    expect(socket.destroyed).toBe(true)
  })
})

interface From {
  readonly node: string | null
  readonly from: string
  readonly reach?: 'tailnet' | 'funnel'
}

interface GateOptions {
  readonly people?: readonly ReturnType<typeof aNode>[]
  readonly whois?: (address: string) => Promise<TailnetNode | null>
  readonly headMs?: number
  /** It has neither a tailnet nor Funnel. */
  readonly alone?: boolean
}

async function aGate(options: GateOptions) {
  const lab = onboardLab({ transports: ['tailscale'] })
  const { key, cert } = lab.authority
  const origins: RequestOrigin[] = []
  const noting = (app: OnboardLab['app']) => ({
    fetch: (request: Request, origin: RequestOrigin) => {
      origins.push(origin)
      return app.fetch(request, origin)
    },
  })
  const people = (options.people ?? []).map(nodeOf)
  const whois = async (address: string) => people.find(({ addresses }) => addresses.includes(address)) ?? null
  const outside: Partial<ListenerOptions> =
    options.alone === true ? {} : { whois: options.whois ?? whois, funnelApp: noting(lab.funnelApp) }
  const listener: Listener = await startOnboardListener({
    host: '127.0.0.1',
    port: 0,
    app: noting(lab.app),
    certificate: () => ({ key, chain: cert }),
    ...(options.headMs === undefined ? {} : { headMs: options.headMs }),
    ...outside,
  })
  const sockets: Socket[] = []
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await listener[Symbol.asyncDispose]()
    await lab[Symbol.asyncDispose]()
  })
  const open = async ({ node, from, reach = 'tailnet' }: From) => {
    const { client, fd } = await aConnection()
    sockets.push(client)
    listener.admit({ fd, from: { host: from, port: 40_000 }, node }, reach)
    return client
  }
  const admit = async (from: From, line: string, headers = '') => ask(await open(from), request(line, headers))
  return { lab, listener, origins, open, admit }
}

/** A client's end of a connection, and the descriptor of the other. */
async function aConnection(): Promise<{ readonly client: Socket; readonly fd: Fd }> {
  const arrived = once(far, 'connection') as Promise<[Socket]>
  const { port } = far.address() as AddressInfo
  const fd = await network.dial({ host: '127.0.0.1', port }, 5000)
  const [client] = await arrived
  client.on('error', () => undefined)
  return { client, fd }
}

function request(line: string, headers = ''): string {
  return `${line} HTTP/1.1\r\nHost: g\r\n${headers}Connection: close\r\n\r\n`
}

/** What is answered: until the connection is closed, or a whole answer is there. */
function ask(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let reply = ''
    const done = () => {
      socket.removeAllListeners('data')
      resolve(reply)
    }
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      reply += chunk
      const [head = '', body] = reply.split('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
      if (body !== undefined && body.length >= length) done()
    })
    socket.once('close', done)
    socket.write(text)
  })
}

function withoutDate(reply: string): string {
  return reply.replace(/Date: [^\r]*/i, '')
}

function nodeOf(node: ReturnType<typeof aNode>): TailnetNode {
  return { ...node, hostname: node.name }
}
