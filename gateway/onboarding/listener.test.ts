import { Agent, request } from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { listen, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { type Listener, startOnboardListener } from './listener.ts'

let lab: OnboardLab
let listener: Listener

beforeAll(async () => {
  lab = onboardLab()
  listener = await listen(lab)
})
afterAll(async () => {
  await listener[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
})

describe('startOnboardListener()', () => {
  it('answers plain HTTP and TLS on one port', async () => {
    const plain = await (await fetch(`http://127.0.0.1:${listener.port}/info`)).json()
    expect(plain).toEqual(JSON.parse(await askTls('/info', lab.authority.ca)))
  })

  it('proves itself with a certificate of its own CA under its own name, whatever it is called', async () => {
    await expect(askTls('/info', undefined)).rejects.toThrow(/certificate/)
    const names = new Set<string>()
    for (const servername of ['gateway.clawpatrol.internal', 'other.example', 'bank.example', ''])
      names.add((await certificateFor(servername)).subjectaltname ?? '')
    expect([...names]).toEqual(['DNS:gateway.clawpatrol.internal'])
  })

  it('mints nothing for names strangers make up', async () => {
    const minted: string[] = []
    const { key, cert } = lab.authority
    const own = await startOnboardListener({
      host: '127.0.0.1',
      port: 0,
      app: lab.app,
      names: ['Gate.Example'],
      certificate: (name) => {
        minted.push(name)
        return { key, chain: cert }
      },
    })
    onTestFinished(() => own[Symbol.asyncDispose]())
    for (const name of ['evil.example', 'gate.example', 'x.gate.example', 'gate.example', 'a'.repeat(60)])
      await certificateFor(name, own.port)
    expect(minted.sort()).toEqual(['127.0.0.1', 'gate.example', 'gateway.clawpatrol.internal'])
  })

  it.each([
    '/x/../info',
    '/./info',
    '/api/../info',
    '//info',
    '/info//',
    '/%69nfo',
    '/inf%6f',
    '/info%2f..',
    '/info\\..',
    '/x/..\\info',
    '/info#x',
    '/info;a',
    '*',
    'http://gateway/../info',
    '/ca.crt%00',
  ])('finds nothing under %s, and says so as for any other path', async (path) => {
    const [expected, found] = [await rawAsk('/nothing'), await rawAsk(path)]
    expect(withoutDate(found)).toBe(withoutDate(expected))
    expect(found).toContain(' 404 ')
  })

  it('takes requests in any pieces', async () => {
    const whole = await rawAsk('/info')
    const text = `GET /info HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`
    for (const size of [1, 2, 7]) {
      const reply = await exchange(async (socket) => {
        for (let at = 0; at < text.length; at += size)
          await new Promise<void>((resolve) => socket.write(text.slice(at, at + size), () => resolve()))
      })
      expect(withoutDate(reply)).toBe(withoutDate(whole))
    }
  })

  it('refuses a head without end and bytes that are neither HTTP nor TLS', async () => {
    const long = await exchange((socket) => socket.write(`GET /info HTTP/1.1\r\nA: ${'x'.repeat(70_000)}`))
    expect(long).toContain(' 431 ')
    expect(await exchange((socket) => socket.write('\0\0\0\0'))).toContain(' 400 ')
    for (const hello of ['16', '16030100ff', '16030100050102030405'])
      expect(await exchange((socket) => socket.end(Buffer.from(hello, 'hex')))).not.toContain('HTTP')
  })

  it('refuses to upgrade a connection', async () => {
    const head = 'GET /info HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(await exchange((socket) => socket.write(head))).toBe('')
  })

  it('holds at most 128 connections of one address', async () => {
    const own = await listen(lab)
    onTestFinished(() => own[Symbol.asyncDispose]())
    const sockets: Socket[] = []
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))
    for (let count = 0; count < 128; count++) sockets.push(await opened(own.port))
    const refused = connect(own.port, '127.0.0.1')
    await new Promise<void>((resolve) => refused.on('error', () => undefined).once('close', () => resolve()))
    const first = sockets.shift()
    const gone = new Promise<void>((resolve) => first?.once('close', () => resolve()))
    first?.end('GET /info HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n').resume()
    await gone
    expect((await fetch(`http://127.0.0.1:${own.port}/info`)).status).toBe(200)
  })

  it('says in one sentence why it cannot listen', async () => {
    const busy = { host: '127.0.0.1', port: listener.port, app: lab.app, certificate: () => ({ key: '', chain: '' }) }
    await expect(startOnboardListener(busy)).rejects.toMatchObject({
      code: 'CP_ONBOARD',
      message: `Cannot listen on 127.0.0.1:${listener.port}: another program listens there`,
      hint: expect.stringContaining('dashboard_listen'),
    })
    await expect(startOnboardListener({ ...busy, host: '192.0.2.1' })).rejects.toThrow('no such address')
  })

  it('ends its connections when it is closed', async () => {
    const own = await listen(lab)
    const socket = await opened(own.port)
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    await own[Symbol.asyncDispose]()
    await gone
    await expect(fetch(`http://127.0.0.1:${own.port}/info`)).rejects.toThrow()
  })
})

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

function askTls(path: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const servername = 'gateway.clawpatrol.internal'
    const trust = ca === undefined ? {} : { ca }
    const options = { host: '127.0.0.1', port: listener.port, path, agent, servername, ...trust }
    request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve(text))
    })
      .once('error', reject)
      .end()
  })
}

function certificateFor(servername: string, port = listener.port): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

function rawAsk(path: string): Promise<string> {
  return exchange((socket) => socket.write(`GET ${path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`))
}

function exchange(say: (socket: Socket) => unknown): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(listener.port, '127.0.0.1', () => void say(socket))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(text))
  })
}

function withoutDate(reply: string): string {
  return reply.replace(/Date: [^\r]*/i, '')
}
