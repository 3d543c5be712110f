import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Flow, RelayResult } from '../index.ts'
import { type Answers, openTunnel, type Tunnel } from './tunnel.ts'

const answers: Answers = {
  flow: (flow) => flow.refuse(),
  datagrams: (datagrams) => datagrams.drop(),
  query: () => {},
}
let tunnel: Tunnel
let echo: Server
let upstream: { host: string; port: number }

beforeAll(async () => {
  tunnel = await openTunnel(answers)
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  upstream = { host: '127.0.0.1', port: (echo.address() as AddressInfo).port }
})

afterAll(async () => {
  echo.close()
  await tunnel[Symbol.asyncDispose]()
})

async function takeEcho(flow: Flow): Promise<void> {
  const socket = new Socket({ fd: await flow.take(), readable: true, writable: true, allowHalfOpen: true })
  socket.on('error', () => {}).pipe(socket)
}

/** Sends a text to an address, half-closes, prints the answer. */
const ask = (host: string, port: number, text: string): string => `
import socket
s = socket.create_connection((${JSON.stringify(host)}, ${port}), 5)
s.sendall(${JSON.stringify(text)}.encode())
s.shutdown(socket.SHUT_WR)
print(b"".join(iter(lambda: s.recv(65536), b"")).decode(), end="")
`

describe('a flow', () => {
  it('keeps its 4-tuple, is taken as a socket and half-closes', async () => {
    const seen: Flow[] = []
    answers.flow = (flow) => {
      seen.push(flow)
      void takeEcho(flow)
    }
    const ran = await tunnel.python(ask('203.0.113.9', 4711, 'hello'))
    expect(ran).toMatchObject({ code: 0, out: 'hello' })
    expect(seen[0]?.to).toEqual({ host: '203.0.113.9', port: 4711 })
    expect(seen[0]?.from.host).toBe(tunnel.address4)
  })

  it('works over IPv6', async () => {
    answers.flow = (flow) => void takeEcho(flow)
    expect(await tunnel.python(ask('2001:db8::1', 80, 'six'))).toMatchObject({ code: 0, out: 'six' })
  })

  it.each([
    ['IPv4', '203.0.113.9'],
    ['IPv6', '2001:db8::1'],
  ])('gets acknowledgements with the answers, and soon when there is none, over %s', async (_, host) => {
    let asked = 0
    answers.flow = async (flow) => {
      const socket = new Socket({ fd: await flow.take(), readable: true, writable: true })
      // every second connection is read and never answered
      if (asked++ % 2 === 0) socket.on('error', () => {}).on('data', (bytes) => socket.write(bytes))
      else socket.on('error', () => {}).resume()
    }
    const ran = await tunnel.python(`
import fcntl, socket, struct, time
def arrived():
    line = next(l for l in open("/proc/net/dev") if "claw0" in l)
    return int(line.split(":")[1].split()[1])
host = ${JSON.stringify(host)}
s = socket.create_connection((host, 80), 5)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
before = arrived()
for i in range(200):
    s.sendall(b"x" * 20)
    assert len(s.recv(20, socket.MSG_WAITALL)) == 20
print("answered", arrived() - before < 360)
n = socket.create_connection((host, 80), 5)
for i in range(5):
    n.sendall(b"x" * 20)
    begun = time.monotonic()
    while struct.unpack("i", fcntl.ioctl(n, 0x5411, b"0000"))[0] > 0 and time.monotonic() - begun < 5: pass
    print("silent", time.monotonic() - begun < 0.15)
`)
    expect(ran).toMatchObject({ code: 0, out: `answered True\n${'silent True\n'.repeat(5)}` })
  })

  it('is refused with a reset before the handshake', async () => {
    answers.flow = (flow) => flow.refuse()
    const ran = await tunnel.python(ask('203.0.113.9', 80, 'x'))
    expect(ran.err).toContain('ConnectionRefusedError')
  })

  it('is relayed inside the binding, with counters', async () => {
    let result: Promise<RelayResult> | undefined
    answers.flow = (flow) => {
      result = flow.relay(upstream, 1000)
    }
    expect(await tunnel.python(ask('203.0.113.9', 80, 'through'))).toMatchObject({ code: 0, out: 'through' })
    expect(await result).toEqual({ bytesUp: 7, bytesDown: 7, endedBy: 'peer', error: null })
  })

  it('to a dead upstream is refused at connect time', async () => {
    let result: Promise<RelayResult> | undefined
    answers.flow = (flow) => {
      result = flow.relay({ host: '127.0.0.1', port: 1 }, 1000)
    }
    const ran = await tunnel.python(ask('203.0.113.9', 80, 'x'))
    expect(ran.err).toContain('ConnectionRefusedError')
    expect(await result).toEqual({ bytesUp: 0, bytesDown: 0, endedBy: 'dial', error: 'connection refused' })
  })

  it.each(['take', 'relay'] as const)('is peeked, then its bytes are replayed into %s', async (way) => {
    const peeked: string[] = []
    answers.flow = async (flow) => {
      const bytes = await flow.peek({ maxBytes: 4096, timeoutMs: 2000, enough: (b) => b.length >= 5 })
      peeked.push(Buffer.from(bytes).toString())
      if (way === 'take') await takeEcho(flow)
      else await flow.relay(upstream, 1000)
    }
    expect(await tunnel.python(ask('203.0.113.9', 443, 'hello again'))).toMatchObject({ code: 0, out: 'hello again' })
    expect(peeked[0]).toBe('hello again')
  })

  it('that says nothing is peeked until the deadline', async () => {
    let peeked: Uint8Array | undefined
    answers.flow = async (flow) => {
      peeked = await flow.peek({ maxBytes: 4096, timeoutMs: 50, enough: () => false })
      flow.refuse()
    }
    const ran = await tunnel.python('import socket\ns = socket.create_connection(("203.0.113.9", 443), 5)\ns.recv(1)')
    expect(ran.err).toContain('ConnectionResetError')
    expect(peeked).toHaveLength(0)
  })

  it.each(['take', 'relay'] as const)('carries 4 MB each way unchanged (%s)', async (way) => {
    answers.flow = (flow) => void (way === 'take' ? takeEcho(flow) : flow.relay(upstream, 1000))
    const seed = randomBytes(8).toString('hex')
    const ran = await tunnel.python(`
import hashlib, socket, threading
data = b"".join(hashlib.sha256(b"${seed}" + bytes([i // 256 % 256, i % 256, i // 65536])).digest() for i in range(131072))
s = socket.create_connection(("203.0.113.9", 80), 5)
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = b"".join(iter(lambda: s.recv(1 << 20), b""))
print(len(got), hashlib.sha256(got).hexdigest() == hashlib.sha256(data).hexdigest())
`)
    expect(ran).toMatchObject({ code: 0, out: `${131072 * 32} True\n` })
  })

  it('is reset when aborted', async () => {
    answers.flow = async (flow) => {
      const socket = new Socket({ fd: await flow.take(), readable: true, writable: true })
      socket.on('error', () => {}).once('data', () => flow.abort())
    }
    const ran = await tunnel.python(
      'import socket\ns = socket.create_connection(("203.0.113.9", 80), 5)\ns.send(b"x")\ns.recv(1)',
    )
    expect(ran.err).toContain('ConnectionResetError')
  })

  it('nobody reads is gone once the client resets it', async () => {
    const sockets: Socket[] = []
    answers.flow = async (flow) => {
      // owned, and never read
      sockets.push(new Socket({ fd: await flow.take(), readable: false, writable: true }))
    }
    await tunnel.python(`
import socket, struct
s = socket.create_connection(("203.0.113.9", 80), 5)
s.settimeout(0.5)
try:
    while True: s.send(b"x" * 65536)
except TimeoutError:
    pass
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
import time; time.sleep(0.2)
`)
    await expect.poll(() => tunnel.server.stats().flows, { timeout: 5000 }).toBe(0)
    for (const socket of sockets) socket.destroy()
  })

  it('may reuse the port of one that has just ended: no stall in TIME_WAIT', async () => {
    answers.flow = async (flow) => {
      const socket = new Socket({ fd: await flow.take(), readable: true, writable: true })
      socket.on('error', () => {}).end('bye')
    }
    const ran = await tunnel.python(`
import socket, time
start = time.time()
for i in range(3):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("10.77.0.2", 40000))
    s.settimeout(10)
    while True:
        try:
            s.connect(("203.0.113.9", 80))
            break
        except OSError as e:
            if e.errno != 99: raise # ours lingers until the last acknowledgement
            time.sleep(0.01)
    print(b"".join(iter(lambda: s.recv(10), b"")).decode())
    s.close()
print(time.time() - start < 8)
`)
    expect(ran).toMatchObject({ code: 0, out: 'bye\nbye\nbye\nTrue\n' })
  })

  it('cannot be answered twice', async () => {
    const outcome: unknown[] = []
    answers.flow = async (flow) => {
      await takeEcho(flow)
      outcome.push(await flow.take().catch((error: Error) => error.message))
    }
    await tunnel.python(ask('203.0.113.9', 80, 'x'))
    expect(outcome).toEqual(['the flow is over'])
  })
})

describe('a peer', () => {
  it('that is removed loses its flows', async () => {
    answers.flow = async (flow) => {
      const socket = new Socket({ fd: await flow.take(), readable: true, writable: true })
      socket
        .on('error', () => {})
        .once('data', () => {
          void tunnel.server.removePeer(tunnel.clientKey)
        })
    }
    const ran = await tunnel.python(`
import socket
s = socket.create_connection(("203.0.113.9", 80), 5)
s.settimeout(1)
s.send(b"x")
try:
    print("got", s.recv(1))
except (TimeoutError, ConnectionResetError) as e:
    print("ended")
`)
    expect(ran.out).toBe('ended\n')
    await expect.poll(() => tunnel.server.stats().flows).toBe(0)
    await tunnel.server.addPeer({ publicKey: tunnel.clientKey, allowedIps: ['10.77.0.2/32', 'fd77::2/128'] })
  })

  it('shows its endpoint, its handshake and its bytes', async () => {
    answers.flow = (flow) => void takeEcho(flow)
    await tunnel.python(ask('203.0.113.9', 80, 'x'))
    const [peer] = tunnel.server.peers()
    expect(peer?.publicKey).toBe(tunnel.clientKey)
    expect(peer?.endpoint).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(peer?.lastHandshakeMs).toBeGreaterThan(Date.now() - 60_000)
    expect(peer?.rxBytes).toBeGreaterThan(0)
  })

  it('with a bad key or prefix is an error', async () => {
    await expect(tunnel.server.addPeer({ publicKey: 'abc', allowedIps: [] })).rejects.toThrow('32 bytes in base64')
    await expect(tunnel.server.addPeer({ publicKey: tunnel.clientKey, allowedIps: ['x'] })).rejects.toThrow('x')
  })
})

describe('datagrams', () => {
  it('to port 53 of any address are queries, answered from there', async () => {
    const asked: unknown[] = []
    answers.query = (query) => {
      asked.push([query.to, Buffer.from(query.payload).toString()])
      query.reply(Buffer.from('answer'))
    }
    const ran = await tunnel.python(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("198.51.100.7", 53))
for text in (b"one", b"two"):
    s.send(text)
    print(s.recv(100).decode())
`)
    expect(ran.out).toBe('answer\nanswer\n')
    expect(asked).toEqual([
      [{ host: '198.51.100.7', port: 53 }, 'one'],
      [{ host: '198.51.100.7', port: 53 }, 'two'],
    ])
  })

  it('that are dropped are soon answered with "port unreachable"', async () => {
    answers.datagrams = (datagrams) => datagrams.drop()
    const ran = await tunnel.python(`
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("198.51.100.7", 443))
s.settimeout(0.3)
for i in range(10):
    try:
        s.send(b"quic")
        s.recv(10)
    except TimeoutError:
        continue
    except ConnectionRefusedError:
        print("refused", i)
        break
`)
    expect(ran.out).toMatch(/^refused [12]\n$/)
  })

  it('are relayed both ways and end when idle', async () => {
    const { createSocket } = await import('node:dgram')
    const server = createSocket('udp4')
    server.on('message', (bytes, from) => server.send(bytes, from.port, from.address))
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    let result: Promise<RelayResult> | undefined
    answers.datagrams = (datagrams) => {
      result = datagrams.relay({ host: '127.0.0.1', port: server.address().port }, 200)
    }
    const ran = await tunnel.python(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("198.51.100.7", 9))
s.send(b"x" * 1200)
print(len(s.recv(2000)))
`)
    expect(ran.out).toBe('1200\n')
    expect(await result).toMatchObject({ bytesUp: 1200, bytesDown: 1200, error: null })
    server.close()
  })
})
