import { connect, createServer, type Server, Socket } from 'node:net'
import { startWireguard, type WireguardServer } from 'tsnet-bindings'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKeyPair } from '../client/wireguard-key.ts'
import { runCaptured } from './captured.fixture.ts'
import { attachTunnel } from './tunnel.ts'

const MTU = 1420
const flows: string[] = []
const queries: string[] = []
const datagrams: string[] = []
let gateway: WireguardServer
const gatewayKeys = newKeyPair()

beforeAll(async () => {
  gateway = await startWireguard(
    { privateKey: gatewayKeys.privateKey, listenPort: 0, mtu: MTU },
    {
      flow: (flow) => {
        flows.push(`${flow.from.host} ${flow.to.host}:${flow.to.port}`)
        if (flow.to.port === 81) flow.refuse()
        else void flow.take().then((fd) => new Socket({ fd }).end(`you are ${flow.from.host}\n`).resume())
      },
      query: (query) => {
        queries.push(query.to.host)
        query.reply(nxdomain(query.payload))
      },
      datagrams: (seen) => {
        datagrams.push(`${seen.to.host}:${seen.to.port}`)
        seen.drop()
      },
    },
  )
})
afterAll(() => gateway.close())

/** Runs a Python program as a peer of its own. */
async function python(lines: readonly string[], address = '10.99.0.2', address6 = 'fd63:6c61:7770::2') {
  const keys = newKeyPair()
  await gateway.addPeer({ publicKey: keys.publicKey, allowedIps: [`${address}/32`, `${address6}/128`] })
  try {
    return await runCaptured('python3', ['-c', lines.join('\n')], {
      tunnel: { address4: address, address6, mtu: MTU, dns: ['10.99.0.1'] },
      attach: attachTunnel({
        privateKey: keys.privateKey,
        serverPublicKey: gatewayKeys.publicKey,
        endpoint: `127.0.0.1:${gateway.port}`,
        keepaliveS: 0,
      }),
    })
  } finally {
    await gateway.removePeer(keys.publicKey)
  }
}

const reach = [
  'import socket',
  'def reach(host, port):',
  '  try: print(socket.create_connection((host, port), 5).makefile().read(), end="")',
  '  except OSError as e: print(type(e).__name__)',
]

describe('the traffic of a captured command', () => {
  it('arrives at the gateway for any address, with its own source', async () => {
    const { stdout } = await python([...reach, 'reach("203.0.113.5", 443)', 'reach("2001:db8::5", 443)'])
    expect(stdout).toBe('you are 10.99.0.2\nyou are fd63:6c61:7770::2\n')
    expect(flows).toEqual(expect.arrayContaining(['10.99.0.2 203.0.113.5:443', 'fd63:6c61:7770::2 2001:db8::5:443']))
  })

  it('is refused where the gateway refuses', async () => {
    expect((await python([...reach, 'reach("203.0.113.5", 81)'])).stdout).toBe('ConnectionRefusedError\n')
  })

  it('asks the gateway for names, whatever server the program names', async () => {
    queries.length = 0
    const lookup = 'try: socket.getaddrinfo("example.com", 443)\nexcept socket.gaierror as e: print("no name")'
    const direct =
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(bytes(12), ("8.8.8.8", 53)); print(len(s.recv(99)))'
    expect((await python(['import socket', lookup, direct])).stdout).toBe('no name\n12\n')
    expect([...new Set(queries)]).toEqual(['10.99.0.1', '8.8.8.8'])
  })

  it('shows other datagrams to the gateway too, QUIC among them', async () => {
    const send = 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.5", 443))'
    await python([...reach, send, 'reach("203.0.113.5", 80)'])
    expect(datagrams).toEqual(['203.0.113.5:443'])
  })

  it('does not reach what listens on this machine', async () => {
    const tcp = await listening()
    const port = (tcp.address() as { port: number }).port
    await expect(reachable(port)).resolves.toBe(true)
    const { stdout } = await python([...reach, `reach("127.0.0.1", ${port})`, `reach("::1", ${port})`])
    tcp.close()
    expect(stdout).toBe('ConnectionRefusedError\nConnectionRefusedError\n')
  })

  it('is told apart between runs side by side', async () => {
    const runs = [11, 12, 13].map((n) => python([...reach, 'reach("203.0.113.9", 80)'], `10.99.0.${n}`, `fd63::${n}`))
    const outputs = (await Promise.all(runs)).map((run) => run.stdout)
    expect(outputs).toEqual(['you are 10.99.0.11\n', 'you are 10.99.0.12\n', 'you are 10.99.0.13\n'])
  })
})

describe('attachTunnel()', () => {
  it('fails the run when the keys are wrong, and the command does not start', async () => {
    const attach = attachTunnel({ privateKey: 'short', serverPublicKey: 'x', endpoint: '127.0.0.1:1', keepaliveS: 0 })
    await expect(runCaptured('true', [], { attach })).rejects.toThrow()
  })
})

function nxdomain(query: Uint8Array): Uint8Array {
  const reply = Buffer.from(query)
  reply[2] = 0x81
  reply[3] = 0x83
  return reply
}

function listening(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1', () => resolve(server))
  })
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
