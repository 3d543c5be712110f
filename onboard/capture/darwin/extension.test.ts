import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { controlSocket } from './control-socket.ts'
import { connectExtension, type Deadlines, type Extension } from './extension.ts'
import { encodeFrame } from './frame.ts'
import type { Reply, TunnelSettings } from './protocol.ts'
import { StandIn } from './stand-in.fixture.ts'

const key = `${'k'.repeat(43)}=`
const wireguard: TunnelSettings = {
  kind: 'wireguard',
  privateKey: key,
  serverPublicKey: `${'A'.repeat(43)}=`,
  endpoint: '192.0.2.1:51820',
  address4: '10.55.0.2',
  address6: null,
  mtu: 1420,
  dns: ['10.55.0.1'],
  keepaliveS: 25,
}
const tailnet: TunnelSettings = {
  kind: 'tailnet',
  authKey: 'tskey-auth-hush',
  controlUrl: '',
  gatewayIp: '100.64.0.1',
  hostname: 'laptop-run-1',
}
const stopped = encodeFrame({ kind: 'stopped' } satisfies Reply)

async function anApp(): Promise<StandIn> {
  const app = await new StandIn().listen()
  onTestFinished(() => app[Symbol.asyncDispose]())
  return app
}

async function connected(app: StandIn, deadlines: Partial<Deadlines> = {}): Promise<Extension> {
  const extension = await connectExtension({ path: app.path, deadlines })
  onTestFinished(() => extension.close())
  return extension
}

const silent = (app: StandIn) => {
  app.odd = () => 'silence'
}

describe('connectExtension()', () => {
  it('talks to an app that speaks the same version', async () => {
    const app = await anApp()
    const extension = await connected(app)
    expect(await extension.status()).toEqual([])
    expect(app.asked).toEqual([{ kind: 'hello', protocol: 1, client: 'clawpatrol' }, { kind: 'status' }])
  })

  it.each<[string, (app: StandIn) => unknown, RegExp, RegExp]>([
    ['is not installed', (app) => rmSync(app.path), /Cannot find Clawpatrol.app/, /This release comes without it/],
    [
      'was never opened',
      (app) => rmSync(dirname(app.path), { recursive: true }),
      /Cannot find/,
      /open Clawpatrol.app once/,
    ],
    ['does not run', deadSocket, /it does not run/, /^open Clawpatrol.app$/],
    ['waits for approval', (app) => (app.extension = 'unapproved'), /nobody has allowed/, /System Settings > General/],
    ['has no extension', (app) => (app.extension = 'absent'), /is not installed/, /System Settings > General/],
    [
      'is older',
      (app) => answerHello(app, { protocol: 9 }),
      /version 9 of the protocol, clawpatrol 1/,
      /update clawpatrol/,
    ],
    [
      'refuses the version',
      (app) => (app.odd = () => ({ kind: 'refused', code: 'version', message: 'it speaks 2 to 3' })),
      /Cannot talk to Clawpatrol.app: it speaks 2 to 3/,
      /of the same release/,
    ],
    [
      'is asked from inside of a capture',
      (app) => (app.odd = () => ({ kind: 'refused', code: 'forbidden', message: 'this process is captured' })),
      /this process is captured/,
      /outside of clawpatrol run/,
    ],
    ['says nothing', silent, /did not answer "hello" in 0.1 s/, /quit .* open it again/],
    ['hangs up', (app) => (app.odd = () => 'hangup'), /closed the connection/, /open it again/],
    ['answers something else', (app) => (app.odd = () => stopped), /sent "stopped" unasked/, /same release/],
  ])('says what helps when the app %s', async (_what, arrange, message, hint) => {
    const app = await anApp()
    await arrange(app)
    await expect(
      connectExtension({ path: app.path, deadlines: arrange === silent ? { hello: 100 } : {} }),
    ).rejects.toMatchObject({
      name: 'ClawError',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  it.each<[string, (app: StandIn) => void, string]>([
    ['a socket others may use', (app) => chmodSync(app.path, 0o666), 'a socket of this user with mode 0600'],
    ['a directory others may write to', (app) => chmodSync(dirname(app.path), 0o777), 'nobody else may write to'],
    ['a file', (app) => replaced(app, (path) => writeFileSync(path, '', { mode: 0o600 })), 'is to be a socket'],
    ['a link to a socket', (app) => replaced(app, (path) => symlinkSync('/tmp/x', path)), 'is to be a socket'],
  ])('sends nothing to %s', async (_what, arrange, message) => {
    const app = await anApp()
    arrange(app)
    await expect(connectExtension({ path: app.path })).rejects.toMatchObject({
      code: 'CP_CAPTURE',
      message: expect.stringContaining(message),
    })
    expect(app.asked).toEqual([])
  })

  it('says so when the path is too long for a socket', async () => {
    const path = controlSocket(`/Users/${'x'.repeat(60)}`)
    await expect(connectExtension({ path })).rejects.toThrow('longer than 103 bytes')
  })
})

describe('Extension', () => {
  it('starts tunnels side by side, says how they are, and stops each', async () => {
    const app = await anApp()
    const extension = await connected(app)
    const first = await extension.start(wireguard)
    const second = await extension.start(tailnet)
    expect([first.address4, first.address6]).toEqual(['10.55.0.2', null])
    expect(await extension.status()).toMatchObject([
      { kind: 'wireguard' },
      { kind: 'tailnet', address4: second.address4 },
    ])
    await first.stop()
    expect(await extension.status()).toMatchObject([{ kind: 'tailnet' }])
    await extension.wipe()
    expect(await extension.status()).toEqual([])
  })

  it('registers a process and releases it as the one the app found', async () => {
    const app = await anApp()
    const tunnel = await (await connected(app)).start(wireguard)
    const registration = await tunnel.register(process.pid)
    expect(app.trees).toMatchObject([{ pid: process.pid, isCutOff: false }])
    await registration.release()
    expect(app.trees).toMatchObject([{ pid: process.pid, isCutOff: true }])
  })

  it('says why a process is not captured', async () => {
    const tunnel = await (await connected(await anApp())).start(wireguard)
    await expect(tunnel.register(0x7fff_fffe)).rejects.toMatchObject({
      code: 'CP_CAPTURE',
      message: 'Cannot capture the command: there is no process 2147483646',
    })
    await tunnel.stop()
    await expect(tunnel.register(process.pid)).rejects.toThrow('no such tunnel')
  })

  it.each([
    ['tailnet-refused', /refused this device's key: \[key\] is spent/, /join <gateway-url> again/],
    ['tailnet-exit-node', /100.64.0.1 is not approved as an exit node/, /autoApprovers/],
    ['failed', /Cannot start a tailnet tunnel: \[key\] is spent/, /open it again/],
  ] as const)('explains %s, and keeps the key out of it', async (code, message, hint) => {
    const app = await anApp()
    const extension = await connected(app)
    app.odd = () => ({ kind: 'refused', code, message: 'tskey-auth-hush is spent' })
    const error = await extension.start(tailnet).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
    expect(inspect(error)).not.toContain('hush')
  })

  it('makes connections through the tunnel that carry bytes both ways', async () => {
    const app = await anApp()
    app.dialPort = await aServer((socket) => {
      socket.write('welcome ')
      socket.once('data', (chunk) => socket.end(chunk))
    })
    const tunnel = await (await connected(app)).start(tailnet)
    const ways = await Promise.all([1, 2].map(() => tunnel.connect({ host: '100.64.0.1', port: 8080 }, 1000)))
    for (const way of ways) {
      way.write('GET /')
      expect(await text(way)).toBe('welcome GET /')
    }
    expect(app.asked.filter(({ kind }) => kind === 'dial')).toHaveLength(2)
  })

  it('keeps the bytes that come along with the word that it is connected', async () => {
    const app = await anApp()
    const tunnel = await (await connected(app)).start(tailnet)
    app.odd = ({ kind }) =>
      kind === 'dial' ? Buffer.concat([encodeFrame({ kind: 'dialed' }), Buffer.from('early')]) : null
    const way = await tunnel.connect({ host: '100.64.0.1', port: 8080 }, 1000)
    expect(String((await way[Symbol.asyncIterator]().next()).value)).toBe('early')
    way.destroy()
  })

  it('says why there is no connection through the tunnel', async () => {
    const app = await anApp()
    const tunnel = await (await connected(app)).start(tailnet)
    const dial = () => tunnel.connect({ host: '100.64.0.1', port: 9 }, 1000)
    await expect(dial()).rejects.toThrow('Cannot reach 100.64.0.1 through the tunnel: connection refused')
    await tunnel.stop()
    await expect(dial()).rejects.toThrow('no such tunnel')
  })

  it('is lost when the app is, and not when it is closed', async () => {
    const app = await anApp()
    const [kept, closed] = [await connected(app), await connected(app)]
    let isLost = false
    void closed.lost.then(() => (isLost = true))
    closed.close()
    await app.crash()
    await kept.lost
    expect(isLost).toBe(false)
    await expect(kept.status()).rejects.toThrow('closed the connection')
  })

  it('takes no answer after the time for it, and asks nothing more', async () => {
    const app = await anApp()
    const extension = await connected(app, { local: 50 })
    app.odd = () => 'silence'
    await expect(extension.start(wireguard)).rejects.toMatchObject({ code: 'CP_TIMEOUT' })
    await expect(extension.status()).rejects.toMatchObject({ code: 'CP_TIMEOUT' })
    expect(app.asked.map(({ kind }) => kind)).toEqual(['hello', 'start'])
  })

  it('stops when it is told to, and the app stops with it', async () => {
    const app = await anApp()
    const stop = new AbortController()
    const extension = await connectExtension({ path: app.path, signal: stop.signal })
    await extension.start(wireguard)
    app.odd = () => {
      stop.abort()
      return 'silence'
    }
    await expect(extension.start(tailnet)).rejects.toMatchObject({ code: 'CP_CANCELLED' })
    await expect.poll(() => app.tunnels.size, { timeout: 10_000 }).toBe(0)
  })

  it.each<[string, Buffer]>([
    ['no frame', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['no message', encodeFrame({ kind: 'hello' })],
    ['the answer to another question', encodeFrame({ kind: 'unregistered' })],
    ['two answers', Buffer.concat([stopped, stopped])],
  ])('ends the connection to an app that sends %s', async (_what, bytes) => {
    const app = await anApp()
    const extension = await connected(app)
    const tunnel = await extension.start(wireguard)
    app.odd = () => bytes
    await expect(tunnel.stop()).rejects.toMatchObject({ code: 'CP_PROTOCOL' })
    await extension.lost
  })
})

function answerHello(app: StandIn, more: { readonly protocol: number }): void {
  app.odd = () => ({ kind: 'welcome', app: '0.1.0', extension: 'active', ...more })
}

function replaced(app: StandIn, put: (path: string) => void): void {
  unlinkSync(app.path)
  put(app.path)
}

/** A socket whose owner died. */
async function deadSocket(app: StandIn): Promise<void> {
  const other = join(dirname(app.path), 'other')
  mkdirSync(other)
  const server = createServer().listen(join(other, 's'))
  await new Promise((resolve) => server.once('listening', resolve))
  unlinkSync(app.path)
  linkSync(join(other, 's'), app.path)
  chmodSync(app.path, 0o600)
  await new Promise((resolve) => server.close(resolve))
}

async function aServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, serve).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
