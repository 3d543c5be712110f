import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { IncomingDatagrams, IncomingFlow, IncomingQuery, NodeStatus } from '../../gateway/tailnet/tailnet.ts'
import type { TsnetTailnet } from '../../gateway/tailnet/tsnet.ts'
import { until } from '../support/until.ts'
import { type Control, controlBuildMs, startControl } from './control.ts'
import { duplexOf } from './duplex.ts'
import {
  adopt,
  endOf,
  exitRoutes,
  listenOn,
  newGateway,
  openFds,
  queueOf,
  readSome,
  removeDirs,
  settled,
} from './gateway-node.fixture.ts'
import { describeIsolated } from './isolated.ts'
import { type PlainNode, startNode } from './node.ts'

const internet4 = '203.0.113.10'
const internet6 = '2001:db8::10'

describeIsolated('the gateway as a node of the tailnet', import.meta.url, () => {
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
  let control: Control
  let gateway: TsnetTailnet
  let status: NodeStatus
  let peer: PlainNode

  beforeAll(async () => {
    control = await startControl()
    gateway = await newGateway(control)
    await gateway.start(handlers, ended.signal)
    status = await gateway.status()
    await control.node(
      'the gateway is approved',
      (node) => node.id === status.stableId && node.enabledRoutes.length === 2,
    )
    const { key } = await control.mint({})
    peer = await startNode(control, { hostname: 'peer', authKey: key, exitNode: status.addresses[0] ?? '' })
  }, controlBuildMs)

  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]()
    await gateway?.[Symbol.asyncDispose]()
    await control?.[Symbol.asyncDispose]()
    removeDirs()
  })

  beforeEach(() => {
    answers.flow = (flow) => flow.refuse()
    answers.datagrams = (datagrams) => datagrams.drop()
    answers.query = () => {}
  })

  it('announces a connection to any address and port with its real ends and its node', async () => {
    const seen: object[] = []
    answers.flow = ({ from, to, node, refuse }) => {
      seen.push({ from: from.host, to, node })
      refuse()
    }
    const targets = [
      { host: internet4, port: 443 },
      { host: internet4, port: 31_337 },
      { host: internet6, port: 80 },
      { host: status.addresses[0] ?? '', port: 22 },
    ]
    for (const { host, port } of targets)
      await expect(peer.open('tcp', host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)).rejects.toThrow(
        /refused/,
      )
    const [four, six] = peer.addresses
    expect(seen).toEqual(targets.map((to) => ({ from: to.host.includes(':') ? six : four, to, node: peer.id })))
  })

  it('carries a flow it has taken, and each end of it on its own', async () => {
    const taken = takeFlows()
    const stream = await peer.open('tcp', `${internet4}:80`)
    const socket = await taken.next()
    await stream.write('hello')
    expect(await readSome(socket)).toBe('hello')
    await stream.end()
    await once(socket, 'end')
    socket.end('still here')
    expect(String(await stream.read())).toBe('still here')
    expect(String(await stream.read())).toBe('')
  })

  it('passes on what it has peeked at', async () => {
    const peeked = settled<string>()
    answers.flow = (flow) => {
      void flow.peek({ maxBytes: 100, timeoutMs: 5000, enough: (bytes) => bytes.length >= 5 }).then(async (bytes) => {
        const socket = adopt(await flow.take())
        peeked.resolve(`${Buffer.from(bytes)} ${await readSome(socket)}`)
        socket.destroy()
      }, peeked.reject)
    }
    const stream = await peer.open('tcp', `${internet4}:443`)
    await stream.write('hello')
    expect(await peeked.promise).toBe('hello hello')
    await stream.close()
  })

  it('resets a client when the taken socket is destroyed, and the socket when the client goes', async () => {
    const taken = takeFlows()
    const stream = await peer.open('tcp', `${internet4}:80`)
    const socket = await taken.next()
    socket.destroy()
    expect(await endOf(stream)).not.toBe('late')
    const other = await peer.open('tcp', `${internet4}:80`)
    const kept = await taken.next()
    const gone = once(kept, 'end')
    kept.resume()
    await other.close()
    await gone
    kept.destroy()
    await until('both flows are over', () => gateway.stats().flows === 0)
  })

  it('relays to an address and tells what moved', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const result = settled<unknown>()
    answers.flow = (flow) => {
      flow.relay({ host: '127.0.0.1', port }, 2000).then(result.resolve, result.reject)
    }
    const stream = await peer.open('tcp', `${internet4}:5432`)
    await stream.write('ping')
    expect(String(await stream.read())).toBe('ping')
    await stream.end()
    expect(String(await stream.read())).toBe('')
    await stream.close()
    expect(await result.promise).toMatchObject({ bytesUp: 4, bytesDown: 4, error: null })
    server.close()
  })

  it('answers a refused upstream with a refusal', async () => {
    answers.flow = (flow) => void flow.relay({ host: '127.0.0.1', port: 9 }, 2000)
    await expect(peer.open('tcp', `${internet4}:5432`)).rejects.toThrow(/refused/)
  })

  it('hands on questions for names, over UDP and TCP', async () => {
    const seen: object[] = []
    answers.query = (query) => {
      seen.push({ from: query.from.host, to: query.to, node: query.node })
      query.reply(Buffer.from(`answer to ${Buffer.from(query.payload)}`))
    }
    const asked = await peer.open('udp', '198.51.100.53:53')
    await asked.write('one')
    expect(String(await asked.read())).toBe('answer to one')
    await asked.write('two')
    expect(String(await asked.read())).toBe('answer to two')
    const question = { from: peer.addresses[0], to: { host: '198.51.100.53', port: 53 }, node: peer.id }
    expect(seen).toEqual([question, question])
    await asked.close()
    const taken = takeFlows()
    const stream = await peer.open('tcp', '198.51.100.53:53')
    expect(taken.last().to).toEqual({ host: '198.51.100.53', port: 53 })
    await stream.close()
    ;(await taken.next()).destroy()
  })

  it('relays datagrams, and drops them', async () => {
    const echo = createSocket('udp4')
    echo.on('message', (message, from) => echo.send(message, from.port, from.address))
    echo.bind(0, '127.0.0.1')
    await once(echo, 'listening')
    const seen: object[] = []
    answers.datagrams = (datagrams) => {
      seen.push({ to: datagrams.to, node: datagrams.node })
      void datagrams.relay({ host: '127.0.0.1', port: echo.address().port }, 2000)
    }
    const stream = await peer.open('udp', `${internet4}:123`)
    await stream.write('time')
    expect(String(await stream.read())).toBe('time')
    await stream.write('again')
    expect(String(await stream.read())).toBe('again')
    expect(seen).toEqual([{ to: { host: internet4, port: 123 }, node: peer.id }])
    await stream.close()
    answers.datagrams = (datagrams) => datagrams.drop()
    const dropped = await peer.open('udp', `${internet4}:443`)
    await dropped.write('quic')
    await expect(dropped.read(300)).rejects.toThrow()
    await dropped.close()
    echo.close()
  })

  it('knows who is behind an address, and that nobody is behind others', async () => {
    const whole = { stableId: peer.id, name: 'peer', hostname: 'peer', tags: [], addresses: peer.addresses }
    const found = await gateway.whois(peer.addresses[1] ?? '')
    expect(found).toEqual({ ...whole, user: 'owner@example.com' })
    expect(await gateway.whois(status.addresses[0] ?? '')).toMatchObject({ user: null, tags: ['tag:gateway'] })
    expect(await gateway.whois('100.127.1.1')).toBeNull()
    expect(await gateway.whois(internet4)).toBeNull()
  })

  it('serves a port of its own to the tailnet, on its own addresses only', async () => {
    const port = listenOn()
    await using _own = await gateway.listen(8080, 'tailnet', port.accept)
    for (const [index, address] of [status.addresses[0], `[${status.addresses[1]}]`].entries()) {
      const stream = await peer.open('tcp', `${address}:8080`)
      await stream.write('hello')
      const { socket, from, node } = await port.next()
      expect({ from: from.host, node }).toEqual({ from: peer.addresses[index], node: peer.id })
      socket.end(await readSome(socket))
      expect(String(await stream.read())).toBe('hello')
      await stream.close()
    }
    await expect(peer.open('tcp', `${internet4}:8080`)).rejects.toThrow(/refused/)
  })

  it('stops serving a port', async () => {
    const port = listenOn()
    const own = await gateway.listen(8081, 'tailnet', port.accept)
    const stream = await peer.open('tcp', `${status.addresses[0]}:8081`)
    await port.next()
    await own[Symbol.asyncDispose]()
    expect(await endOf(stream)).not.toBe('late')
    await expect(peer.open('tcp', `${status.addresses[0]}:8081`)).rejects.toThrow(/refused/)
  })

  it('serves the internet through Funnel, with the address of the real source', async () => {
    const port = listenOn()
    await using _own = await gateway.listen(443, 'funnel', port.accept)
    const raw = await peer.funnel(status.name, 443)
    const tls = connectTls({ socket: duplexOf(raw), servername: status.name, rejectUnauthorized: false })
    await once(tls, 'secureConnect')
    tls.write('from afar')
    const { socket, from, node } = await port.next()
    expect(await readSome(socket)).toBe('from afar')
    expect(node).toBeNull()
    expect(from.host).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    socket.end('welcome')
    const [reply] = await once(tls, 'data')
    expect(String(reply)).toBe('welcome')
    tls.destroy()
    await expect(peer.open('tcp', `${status.addresses[0]}:443`)).rejects.toThrow(/refused/)
  })

  it('ends everything of a node at once', async () => {
    const port = listenOn()
    await using _own = await gateway.listen(8080, 'tailnet', port.accept)
    const taken = takeFlows()
    const flow = await peer.open('tcp', `${internet4}:80`)
    const connection = await peer.open('tcp', `${status.addresses[0]}:8080`)
    const sockets = [await taken.next(), (await port.next()).socket]
    gateway.endNode('nobody')
    await flow.write('alive')
    for (const socket of sockets) socket.resume()
    const closed = sockets.map((socket) => once(socket, 'end'))
    gateway.endNode(peer.id)
    expect([await endOf(flow), await endOf(connection)]).not.toContain('late')
    await Promise.all(closed)
    expect(gateway.stats().flows).toBe(0)
  })

  it('is asked about private addresses once they are offered', async () => {
    const seen: string[] = []
    answers.flow = ({ to, refuse }) => {
      seen.push(to.host)
      refuse()
    }
    await expect(peer.open('tcp', '10.55.0.9:80', 1000)).rejects.toThrow()
    expect(seen).toEqual([])
    await gateway.advertise([...exitRoutes, '10.55.0.0/24'])
    await control.node('the route is approved', (node) => node.enabledRoutes.includes('10.55.0.0/24'))
    await until('the node knows', async () => (await gateway.status()).approvedRoutes.includes('10.55.0.0/24'))
    await expect(peer.open('tcp', '10.55.0.9:80')).rejects.toThrow(/refused/)
    expect(seen).toEqual(['10.55.0.9'])
    await gateway.advertise(exitRoutes)
  })

  it('tells how it is doing', async () => {
    expect(status).toMatchObject({ state: 'Running', name: expect.stringMatching(/^gateway\./) })
    expect(status.addresses).toHaveLength(2)
    expect(status.stableId).not.toBe('')
    expect(status.certDomains).toEqual([status.name])
    await until('routes are approved', async () => {
      const { approvedRoutes } = await gateway.status()
      return JSON.stringify([...approvedRoutes].sort()) === JSON.stringify(exitRoutes)
    })
  })

  it('keeps 500 flows, and nothing of them when they are over', async () => {
    const taken = takeFlows()
    const before = { fds: openFds(), rss: process.memoryUsage.rss() }
    const streams = []
    for (let batch = 0; batch < 10; batch++)
      streams.push(...(await Promise.all(Array.from({ length: 50 }, () => peer.open('tcp', `${internet4}:80`)))))
    const sockets = []
    for (const _ of streams) sockets.push(await taken.next())
    expect(gateway.stats().flows).toBe(500)
    const perFlow = (process.memoryUsage.rss() - before.rss) / 500
    process.stdout.write(`500 flows: ${openFds() - before.fds} fds, ${Math.round(perFlow / 1024)} kB each\n`)
    for (const socket of sockets) socket.destroy()
    for (const stream of streams) await stream.close()
    await until('the flows are over', () => gateway.stats().flows === 0)
    await until('their descriptors are closed', () => openFds() <= before.fds)
  })

  it('ends a flow whose client is gone although nobody reads it', async () => {
    const taken = takeFlows()
    const stream = await peer.open('tcp', `${internet4}:80`)
    const socket = await taken.next()
    // unread where the client is: it goes with a reset
    socket.write('unread')
    await until('the client is stuck', async () => {
      const stuck = new AbortController()
      const wrote = stream.write(Buffer.alloc(1 << 19)).then(
        () => 'wrote',
        () => 'wrote',
      )
      const late = wait(200, 'stuck', { signal: stuck.signal }).catch(() => 'wrote')
      const which = await Promise.race([wrote, late])
      stuck.abort()
      return which === 'stuck'
    })
    expect(gateway.stats().flows).toBe(1)
    await stream.close()
    await until('the flow is over', () => gateway.stats().flows === 0)
    socket.destroy()
  })

  it('turns connections away when a port has 512 of them', async () => {
    const port = listenOn()
    await using _own = await gateway.listen(8080, 'tailnet', port.accept)
    const { refused } = gateway.stats()
    const open = () => peer.open('tcp', `${status.addresses[0]}:8080`)
    const streams = []
    const sockets: Socket[] = []
    for (let batch = 0; batch < 8; batch++) {
      streams.push(...(await Promise.all(Array.from({ length: 64 }, open))))
      for (let one = 0; one < 64; one++) sockets.push((await port.next()).socket)
    }
    expect(await endOf(await open())).not.toBe('')
    expect(gateway.stats().refused).toBe(refused + 1)
    for (const socket of sockets) socket.destroy()
    for (const stream of streams) await stream.close()
    await until('there is room again', async () => (await endOf(await open(), 200)) === 'late')
  })

  /** Takes flows from now on; yields their sockets one after the other. */
  function takeFlows() {
    const queue = queueOf<Socket>()
    let last: IncomingFlow | undefined
    answers.flow = (flow) => {
      last = flow
      void flow.take().then((fd) => queue.put(adopt(fd)))
    }
    return {
      next: queue.next,
      last: () => {
        if (last === undefined) throw new Error('no flow has been announced')
        return last
      },
    }
  }
})
