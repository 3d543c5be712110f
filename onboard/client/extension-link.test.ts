import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Listener, startOnboardListener } from '../../gateway/onboarding/listener.ts'
import { joinedDevice } from '../../test/support/joining.ts'
import { aNode, fromNode, listen, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { StandIn } from '../capture/darwin/stand-in.fixture.ts'
import { openExtensionNode } from './extension-link.ts'
import { type Identity, loadIdentity, type TailnetIdentity } from './identity.ts'
import { joinGateway } from './join.ts'
import { runWrapped } from './run.ts'
import { prepareDir, saveIdentity } from './save-identity.ts'
import { tailnetHttp } from './tailnet-http.ts'
import { publicKeyOf } from './wireguard-key.ts'

describe('runWrapped() on macOS', () => {
  it('has the app make a WireGuard tunnel for the peer that the gateway gave this run', async () => {
    const app = await anApp()
    const { lab, identity } = await joinedThroughWireguard()
    const peers: (readonly [string, readonly string[]])[] = []
    app.odd = ({ kind }) => {
      if (kind === 'register') peers.push(...lab.transport.table)
      return null
    }
    const file = join(aDir(), 'ran')
    const words = ['sh', '-c', `echo "$CLAWPATROL_DEMO $NODE_EXTRA_CA_CERTS" > ${file}; exit 5`] as const
    expect(await wrapped(identity, words)).toBe(5)
    expect(readFileSync(file, 'utf8')).toBe(`PH_none ${identity.caFile}\n`)
    const start = app.asked.find((request) => request.kind === 'start')
    const tunnel = start?.kind === 'start' && start.tunnel.kind === 'wireguard' ? start.tunnel : null
    expect(tunnel).toMatchObject({ address4: '10.55.0.128', endpoint: '127.0.0.1:51820', mtu: 1420 })
    expect(peers).toContainEqual([publicKeyOf(tunnel?.privateKey ?? ''), ['10.55.0.128', 'fd77::80']])
    // the device's own peer is left
    expect(lab.transport.table.size).toBe(1)
    expect([app.tunnels.size, app.trees.length]).toEqual([0, 1])
  })

  it('has the app make a node of the tailnet, and tells the gateway through it whose it is', async () => {
    const app = await anApp()
    const { lab, identity, listener } = await joinedThroughTailnet()
    app.dialPort = listener.port
    const nodes: unknown[] = []
    app.odd = ({ kind }) => {
      if (kind === 'register') nodes.push(...lab.tailnet.nodes.list())
      return null
    }
    expect(await wrapped(identity, ['true'])).toBe(0)
    expect(nodes).toMatchObject([{ stableId: 'n1', ephemeral: true }])
    expect(lab.tailnet.nodes.list()).toEqual([])
    expect(app.asked.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['start', 'dial', 'register', 'unregister', 'stop']),
    )
    expect(app.asked.find(({ kind }) => kind === 'start')).toMatchObject({
      tunnel: { kind: 'tailnet', gatewayIp: '100.64.0.1', hostname: expect.stringMatching(/^laptop-run-/) },
    })
  })

  it('asks the gateway for nothing when the app is not there', async () => {
    const app = await anApp()
    rmSync(app.path)
    const { lab, identity } = await joinedThroughWireguard()
    const file = join(aDir(), 'ran')
    await expect(wrapped(identity, ['touch', file])).rejects.toThrow('Cannot find Clawpatrol.app')
    expect(lab.transport.table.size).toBe(1)
  })

  it('gives everything back when the app fails, and does not run the command', async () => {
    const app = await anApp()
    const { lab, identity } = await joinedThroughWireguard()
    for (const failing of ['start', 'register']) {
      app.odd = ({ kind }) => (kind === failing ? { kind: 'refused', code: 'failed', message: 'no route' } : null)
      await expect(wrapped(identity, ['false'])).rejects.toThrow('no route')
      expect([lab.transport.table.size, app.tunnels.size]).toEqual([1, 0])
    }
  })

  it('tells the gateway that the run is over although the connection it kept breaks', async () => {
    const app = await anApp()
    const { lab, identity, listener } = await joinedThroughTailnet()
    let broken = 0
    const server = createServer((socket) => {
      const way = connect(listener.port, '127.0.0.1')
      socket.on('data', (chunk) => {
        // what a server does that closes it just then, after 5 s without a request
        if (chunk.toString('latin1').startsWith('DELETE') && broken++ === 0) socket.destroy()
        else way.write(chunk)
      })
      way.pipe(socket)
      socket.on('error', () => undefined).on('close', () => way.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    app.dialPort = (server.address() as AddressInfo).port
    expect(await wrapped(identity, ['true'])).toBe(0)
    expect([broken, lab.tailnet.nodes.list()]).toEqual([2, []])
  })

  it('ends the node when the gateway refuses the device', async () => {
    const app = await anApp()
    const { identity, listener } = await joinedThroughTailnet()
    app.dialPort = listener.port
    await expect(wrapped({ ...identity, token: 'cpt_wrong' }, ['true'])).rejects.toThrow('does not know this device')
    expect([app.tunnels.size, app.trees]).toEqual([0, []])
  })
})

describe('openExtensionNode()', () => {
  it('is a way to ask the gateway inside the tailnet', async () => {
    const app = await anApp()
    const { identity, listener } = await joinedThroughTailnet()
    app.dialPort = listener.port
    const node = await openExtensionNode(identity, new AbortController().signal)
    const http = await tailnetHttp(identity.tailnet, node)
    const ask = { method: 'GET', path: '/api/env-pushdown', token: identity.token, timeoutMs: 2000 } as const
    expect((await http.ask(ask)).status).toBe(200)
    http.close()
    await node.close()
    expect(app.tunnels.size).toBe(0)
  })
})

function wrapped(identity: Identity, words: readonly [string, ...string[]]): Promise<number> {
  return runWrapped(identity, { words, allow: [], waitAll: false, warn: () => undefined, platform: 'darwin' })
}

/** An app whose user is the one of this process. */
async function anApp(): Promise<StandIn> {
  const app = await new StandIn().listen()
  vi.stubEnv('HOME', app.home)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await app[Symbol.asyncDispose]()
  })
  return app
}

function aDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-client-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function disposed<T extends AsyncDisposable>(what: T): T {
  onTestFinished(() => what[Symbol.asyncDispose]())
  return what
}

async function joinedThroughWireguard(): Promise<{ readonly lab: OnboardLab; readonly identity: Identity }> {
  const lab = disposed(onboardLab())
  const { port } = disposed(await listen(lab))
  const dir = aDir()
  await joinGateway({
    url: `https://127.0.0.1:${port}`,
    dir,
    hostname: 'laptop',
    profile: null,
    transport: null,
    insecureHttp: false,
    show: ({ userCode }) => void lab.attempts.approve(userCode, { profile: null, approvedBy: 'ops' }),
  })
  return { lab, identity: loadIdentity(dir) }
}

interface TailnetJoin {
  readonly lab: OnboardLab
  readonly identity: Identity & { readonly tailnet: TailnetIdentity }
  readonly listener: Listener
}

async function joinedThroughTailnet(): Promise<TailnetJoin> {
  const lab = disposed(onboardLab({ transports: ['tailscale'] }))
  const { token, key, device } = await joinedDevice(lab)
  // whatever comes from the app's node
  const app = { fetch: (request: Request) => lab.app.fetch(request, fromNode(aNode(1))) }
  const { key: tlsKey, cert } = lab.authority
  const certificate = () => ({ key: tlsKey, chain: cert })
  const listener = disposed(await startOnboardListener({ host: '127.0.0.1', port: 0, app, certificate }))
  const dir = aDir()
  prepareDir(dir)
  const tailnet = { gateway_ip: '100.64.0.1', gateway_url: 'http://100.64.0.1:8080', control_url: '' }
  saveIdentity(dir, {
    config: {
      schema_version: 1,
      gateway: 'https://gate.example',
      tls: 'system',
      mode: 'tailscale',
      tailnet,
      device_id: device,
      device_name: 'laptop',
      ca_fingerprint: lab.fingerprint,
      joined_at: '2026-01-01T00:00:00Z',
    },
    token,
    wireguardConf: null,
    authKey: key,
    ca: lab.authority.ca,
  })
  const identity = loadIdentity(dir)
  if (identity.tailnet === null) throw new Error('the join was not for a tailnet')
  return { lab, identity: { ...identity, tailnet: identity.tailnet }, listener }
}
