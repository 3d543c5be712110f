import net from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../../contract/plugin.ts'
import type { PostgresSettings } from './definition.ts'
import { errorFields } from './login-messages.ts'
import { loginRefusal } from './login-refusal.ts'
import { aLogin, type Gateway, startGateway } from './session.fixture.ts'
import { openUpstream, type UpstreamSession } from './upstream-login.ts'

const password = 'hunter2-s3cret'
const asked = {
  parameters: new Map([['user', 'agent']]),
  user: 'agent',
  database: 'orders',
  settings: { take: () => [{ name: 'search_path', value: 'x' }] },
  replication: null,
  protocol: { major: 3, minor: 0 },
  options: [],
}

function message(type: string, ...parts: readonly (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part !== 'number') return Buffer.from(part)
      const word = Buffer.alloc(4)
      word.writeUInt32BE(part)
      return word
    }),
  )
  const head = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const ok = message('R', 0)
const ready = message('Z', 'I')
const greeting = [
  message('S', 'server_version\0', '15.0\0'),
  message('N', 'SWARNING\0', 'Mhello\0\0'),
  message('K', 7, 8),
  ready,
]
const wholeLogin = Buffer.concat([ok, ...greeting])
const sasl = message('R', 10, 'SCRAM-SHA-256\0\0')

describe('openUpstream() and a server', () => {
  const opened: { close(): void }[] = []
  afterEach(() => {
    for (const each of opened.splice(0)) each.close()
  })

  /**
   * Logs in to a server that sends these pieces, each after it has heard something or at once; how it went.
   * @param ends whether it closes after them
   */
  async function logIn(
    pieces: readonly Buffer[],
    {
      sslmode = 'disable',
      ends = true,
      minor = 0,
    }: { sslmode?: 'disable' | 'prefer'; ends?: boolean; minor?: number } = {},
  ): Promise<{ session: UpstreamSession | null; error: string; told: Buffer; heard: Buffer }> {
    let heard = Buffer.alloc(0)
    const server = net.createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        heard = Buffer.concat([heard, chunk])
      })
      socket.once('data', async () => {
        for (const piece of pieces) {
          await new Promise((resolve) => socket.write(piece, resolve))
          await new Promise(setImmediate)
        }
        if (ends) socket.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    let finish: (result: Awaited<ReturnType<typeof logIn>>) => void = () => undefined
    const result = new Promise<Awaited<ReturnType<typeof logIn>>>((resolve) => {
      finish = resolve
    })
    const serve = async (session: Session<PostgresSettings>) => {
      const protocol = { major: 3, minor }
      await openUpstream(session, { ...asked, protocol }, session.endpoint()?.credentials[0] ?? null).then(
        (upstream) => {
          upstream.stream.destroy()
          finish({ session: upstream, error: '', told: Buffer.alloc(0), heard })
        },
        (error: unknown) => finish({ session: null, error: String(error), told: loginRefusal(error), heard }),
      )
      session.client.destroy()
    }
    const gateway: Gateway = await startGateway({
      serve,
      settings: { host: 'db.test:5432', sslmode },
      serverPort: (server.address() as net.AddressInfo).port,
      credentials: [aLogin('login', 'app')],
      secrets: { login: { '': password } },
    })
    const agent = net.connect(gateway.port, '127.0.0.1')
    agent.on('error', () => undefined)
    opened.push({ close: () => server.close() })
    try {
      return await result
    } finally {
      agent.destroy()
      await gateway[Symbol.asyncDispose]()
    }
  }

  it('that answers whole, byte by byte or split anywhere', async () => {
    const wanted = {
      parameters: new Map([['server_version', '15.0']]),
      transaction: 'I',
      user: 'app',
      database: 'orders',
    }
    const cuts = [...wholeLogin.keys()].map((at) => [wholeLogin.subarray(0, at), wholeLogin.subarray(at)])
    for (const pieces of [[wholeLogin], [...wholeLogin].map((byte) => Buffer.from([byte])), ...cuts]) {
      const { session, heard } = await logIn(pieces, { ends: false })
      expect(session).toMatchObject(wanted)
      expect(session?.greeting).toEqual(Buffer.concat(greeting))
      expect(session?.negotiation).toHaveLength(0)
      expect(heard.toString('latin1', 8)).toBe('user\0app\0database\0orders\0search_path\0x\0\0')
    }
  })

  it('that has an older protocol: the agent is told so', async () => {
    const older = message('v', 196_608, 0)
    const { session, heard } = await logIn([older, wholeLogin], { minor: 2 })
    expect(heard.readUInt32BE(4)).toBe(196_610)
    expect(session?.negotiation).toEqual(older)
    expect((await logIn([wholeLogin], { minor: 9999 })).session?.negotiation).toEqual(message('v', 196_610, 0))
  })

  it.each([
    ['asks for GSSAPI', [message('R', 7)], 'asks for GSSAPI, which is refused'],
    ['asks for SSPI', [message('R', 9)], 'asks for SSPI, which is refused'],
    ['asks for something new', [message('R', 99)], 'asks for an unknown method, which is refused'],
    ['asks for clear text without TLS', [message('R', 3)], 'in clear text, and the connection is not encrypted'],
    ['asks twice', [message('R', 5, 1), message('R', 5, 1)], 'asks to authenticate twice'],
    ['asks for MD5 with half a salt', [message('R', 5, 'ab')], 'broke the rules of authentication'],
    ['skips its SCRAM proof', [sasl, ok], 'broke the rules of authentication'],
    ['gives its SCRAM proof first', [sasl, message('R', 12, 'v=x')], 'broke the rules of authentication'],
    ['knows other mechanisms only', [message('R', 10, 'SCRAM-SHA-512\0\0')], 'no SCRAM mechanism that is known'],
    ['wants channel binding without TLS', [message('R', 10, 'SCRAM-SHA-256-PLUS\0\0')], 'wants channel binding'],
    ['goes on with a SCRAM that never began', [message('R', 11, 'r=x')], 'broke the rules of authentication'],
    ['sends an empty Authentication', [message('R')], 'broke the rules of authentication'],
    ['sends rows before the session', [ok, message('D', 'x')], 'sent an unexpected message ("D")'],
    ['sends parameters before it lets us in', [greeting[0] ?? ok], 'sent an unexpected message ("S")'],
    ['is ready in a way nobody knows', [ok, message('Z', 'X')], 'sent an unexpected message ("Z")'],
    ['negotiates what nobody asked for', [message('v', 196_608, 0)], 'sent an unexpected message ("v")'],
    ['speaks another protocol', [Buffer.from('SSH-2.0-OpenSSH_9\r\n')], 'something that is not PostgreSQL'],
    ['sends a huge message', [Buffer.from([0x52, 0x7f, 0, 0, 0])], 'something that is not PostgreSQL'],
    ['sends a negative length', [Buffer.from([0x52, 0, 0, 0, 3])], 'something that is not PostgreSQL'],
    ['says too much', [ok, ...Array(8).fill(message('N', Buffer.alloc(50_000)))], 'said too much'],
    ['closes before it is ready', [ok], 'closed the connection during the login'],
    ['closes inside a message', [ok.subarray(0, 6)], 'closed the connection during the login'],
  ])('that %s', async (_, pieces, words) => {
    const { error, told } = await logIn(pieces)
    expect(error).toContain(words)
    expect(errorFields(told.subarray(5)).get('M')).toContain(words)
    expect(error + told).not.toContain(password)
  })

  it('that sends something in the clear before TLS', async () => {
    const { error } = await logIn([Buffer.from('Sx')], { sslmode: 'prefer' })
    expect(error).toContain('sent unencrypted data before TLS began')
    expect((await logIn([Buffer.from('E')], { sslmode: 'prefer' })).error).toContain(
      'did not answer the request for TLS',
    )
  })

  it('that tells the agent the password it was told: it is taken out', async () => {
    const said = message('E', 'SFATAL\0', 'C28P01\0', `Mno: ${password}\0`, `D${password}${password}\0`, 'Hsee\0', '\0')
    const { error, told } = await logIn([said])
    expect(error).toContain('(28P01)')
    expect(error + told).not.toContain(password)
    const fields = errorFields(told.subarray(5))
    expect(Object.fromEntries(fields)).toEqual({
      S: 'FATAL',
      V: 'FATAL',
      C: '28P01',
      M: 'no: ***',
      D: '******',
      H: 'see',
    })
  })

  it.each([
    ['to answer', []],
    ['inside a message', [ok.subarray(0, 3)]],
    ['before it is ready', [ok]],
  ] as [string, Buffer[]][])('that does not go on %s', async (_, pieces) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const going = logIn(pieces, { ends: false })
      let isOver = false
      const over = () => {
        isOver = true
      }
      going.then(over, over)
      for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
      while (!isOver) {
        await vi.advanceTimersByTimeAsync(1000)
        await new Promise(setImmediate)
      }
      expect((await going).error).toContain('did not open the session in time')
    } finally {
      vi.useRealTimers()
    }
  })

  it('that sends anything at all', async () => {
    const type = fc.constantFrom('R', 'S', 'K', 'N', 'Z', 'E', 'v', 'D')
    const one = fc.tuple(type, fc.uint8Array({ maxLength: 24 })).map(([kind, body]) => message(kind, Buffer.from(body)))
    const junk = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(one, junk), { maxLength: 6 }), async (pieces) => {
        const { session, error } = await logIn([Buffer.concat(pieces)])
        expect(session === null ? error : 'opened').toMatch(/^(ClawError|opened)/)
      }),
      { numRuns: 60 },
    )
  })
})
