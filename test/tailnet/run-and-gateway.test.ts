import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { IncomingDatagrams, IncomingFlow, IncomingQuery } from '../../gateway/tailnet/tailnet.ts'
import { TsnetTailnet } from '../../gateway/tailnet/tsnet.ts'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import { type ClientRun, startRun } from './client-run.fixture.ts'
import { type Control, controlBuildMs, startControl } from './control.ts'
import { describeIsolated } from './isolated.ts'

const program = `
import socket, time
def reach(host, port):
  try: return socket.create_connection((host, port), 5).makefile().read()
  except OSError as e: return type(e).__name__
def ask(to):
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
  s.sendto(b"hello", to); return s.recv(999).decode()
`

describeIsolated('a run and its gateway in one tailnet', import.meta.url, () => {
  const answers = {
    flow: (flow: IncomingFlow) => flow.refuse(),
    datagrams: (datagrams: IncomingDatagrams) => datagrams.drop(),
    query: (_query: IncomingQuery) => {},
  }
  const handlers = {
    flow: (flow: IncomingFlow) => answers.flow(flow),
    datagrams: (datagrams: IncomingDatagrams) => answers.datagrams(datagrams),
    query: (query: IncomingQuery) => answers.query(query),
  }
  const ended = new AbortController()
  const stateDir = mkdtempSync(join(tmpdir(), 'clawpatrol-gateway-test-'))
  let control: Control
  let gateway: TsnetTailnet
  let exitNode: string

  beforeAll(async () => {
    control = await startControl()
    gateway = await startGateway((await control.mint({ tags: ['tag:gateway'] })).key)
    const { stableId, addresses } = await gateway.status()
    exitNode = addresses[0] ?? ''
    await control.node(
      'the gateway is approved',
      ({ id, enabledRoutes }) => id === stableId && enabledRoutes.length > 1,
    )
  }, controlBuildMs)
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    await control?.[Symbol.asyncDispose]()
    rmSync(stateDir, { recursive: true, force: true })
  })
  beforeEach(() => {
    answers.flow = (flow) => flow.refuse()
    answers.datagrams = (datagrams) => datagrams.drop()
  })

  async function startGateway(authKey: string): Promise<TsnetTailnet> {
    const { controlUrl } = control
    const routes = ['0.0.0.0/0', '::/0', '10.78.0.0/16']
    const started = new TsnetTailnet({ stateDir, hostname: 'gateway', authKey, controlUrl, routes })
    await started.start(handlers, ended.signal)
    return started
  }

  const start = (hostname = 'run') => startRun(control, exitNode, { hostname })
  const python = async (client: ClientRun, lines: string) => (await client.python(program + lines)).stdout

  it('shows the gateway every connection with both ends and the node of the run', async () => {
    await using client = await start()
    const seen: object[] = []
    answers.flow = (flow) => {
      seen.push({ from: flow.from.host, to: flow.to, node: flow.node })
      void greet(flow)
    }
    const targets: Address[] = [
      { host: '203.0.113.5', port: 443 },
      { host: '2001:db8::5', port: 8443 },
      { host: '10.78.0.9', port: 5432 },
      { host: exitNode, port: 99 },
    ]
    const lines = targets.map(({ host, port }) => `print(reach("${host}", ${port}))`).join('\n')
    expect(await python(client, lines)).toBe(targets.map(({ host, port }) => `${host}:${port}\n`).join(''))
    const { address4, address6 } = client.node
    const node = await idOf(client)
    expect(seen).toEqual(targets.map((to) => ({ from: to.host.includes(':') ? address6 : address4, to, node })))
  })

  it('is refused at once where the gateway refuses', async () => {
    await using client = await start()
    const lines = 't = time.time(); print(reach("203.0.113.5", 80)); print(time.time() - t < 1)'
    expect(await python(client, lines)).toBe('ConnectionRefusedError\nTrue\n')
  })

  it('asks the gateway for names and has its datagrams relayed', async () => {
    const echo = createSocket('udp4')
    echo.on('message', (bytes, { port, address }) => echo.send(`echo of ${bytes}`, port, address)).bind(0, '127.0.0.1')
    await once(echo, 'listening')
    const to = { host: '127.0.0.1', port: (echo.address() as AddressInfo).port }
    const nodes: unknown[] = []
    answers.query = (query) => {
      nodes.push(query.node)
      query.reply(Buffer.from(`${query.to.host} heard ${Buffer.from(query.payload)}`))
    }
    answers.datagrams = (datagrams) => {
      nodes.push(datagrams.node)
      void datagrams.relay(to, 2000)
    }
    await using client = await start()
    const out = await python(client, 'print(ask(("198.51.100.53", 53))); print(ask(("203.0.113.5", 123)))')
    echo.close()
    expect(out).toBe('198.51.100.53 heard hello\necho of hello\n')
    const node = await idOf(client)
    expect(nodes).toEqual([node, node])
  })

  it('is told apart from runs beside it', async () => {
    answers.flow = (flow) => void greet(flow, String(flow.node))
    const clients = await Promise.all(['one', 'two', 'three'].map(start))
    const out = await Promise.all(clients.map((client) => python(client, 'print(reach("203.0.113.5", 443))')))
    const ids = await Promise.all(clients.map(idOf))
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
    expect(out).toEqual(ids.map((id) => `${id}\n`))
    expect(new Set(ids).size).toBe(3)
  })

  it('loses its live connections when the gateway ends its node', async () => {
    await using client = await start()
    answers.flow = (flow) => {
      void flow.take().then((fd) => {
        adopt(fd)
        if (flow.node !== null) gateway.endNode(flow.node)
      })
    }
    expect(await python(client, 't = time.time(); print(reach("203.0.113.5", 443)); print(time.time() - t < 2)')).toBe(
      'ConnectionResetError\nTrue\n',
    )
  })

  it('reaches a port of the gateway’s own, which sees the node of the run', async () => {
    await using client = await start()
    const from: unknown[] = []
    await using _ = await gateway.listen(8080, 'tailnet', ({ fd, node }) => {
      from.push(node)
      adopt(fd).end('welcome')
    })
    const socket = new Socket({ fd: await client.node.dial({ host: exitNode, port: 8080 }, 5000) })
    const [said] = (await once(socket, 'data')) as [Buffer]
    await once(socket, 'close')
    expect(said.toString()).toBe('welcome')
    expect(from).toEqual([await idOf(client)])
    await expect(client.node.dial({ host: exitNode, port: 9 }, 5000)).rejects.toThrow('refused')
  })

  it('works again within 5 s when the gateway is started anew, traffic or not', async () => {
    answers.flow = (flow) => void greet(flow)
    await using client = await start()
    const lines = `
def works():
  try: return socket.create_connection(("203.0.113.5", 443), 0.5).recv(99) != b""
  except OSError: return False
print(works(), flush=True)
last = time.time(); end = last + 7; gaps = []
while time.time() < end:
  if works(): gaps.append(time.time() - last); last = time.time()
print(max(gaps) < 5 and end - last < 1)`
    // the second begins when the first was answered
    const second = new Promise<void>((resolve) => {
      let seen = 0
      answers.flow = (flow) => {
        seen += 1
        if (seen === 2) resolve()
        void greet(flow)
      }
    })
    const running = python(client, lines)
    await second
    await gateway[Symbol.asyncDispose]()
    gateway = await startGateway('')
    expect(await running).toBe('True\nTrue\n')
    await gateway[Symbol.asyncDispose]()
    gateway = await startGateway('')
    const began = performance.now()
    expect(await python(client, 'print(reach("203.0.113.5", 443))')).toBe('203.0.113.5:443\n')
    expect(performance.now() - began).toBeLessThan(5000)
  })

  async function idOf({ node }: ClientRun): Promise<string> {
    return (await control.node('the run is known', ({ addresses }) => addresses.includes(node.address4))).id
  }
})

async function greet(flow: IncomingFlow, text = `${flow.to.host}:${flow.to.port}`): Promise<void> {
  // the client may have given up, or the gateway may have ended
  const fd = await flow.take().catch(() => null)
  if (fd !== null) adopt(fd).end(text)
}

function adopt(fd: Fd): Socket {
  return new Socket({ fd, allowHalfOpen: true }).on('error', () => undefined).resume()
}
