import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeReply,
  decodeRequest,
  type Reply,
  type Request,
  refusalCodes,
  replyShapes,
  requestShapes,
  type TunnelSettings,
} from './protocol.ts'

const id = 'c'.repeat(32)
const key = `${'A'.repeat(43)}=`
const wireguard: TunnelSettings = {
  kind: 'wireguard',
  privateKey: key,
  serverPublicKey: key,
  endpoint: '192.0.2.1:51820',
  address4: '10.55.0.2',
  address6: 'fd77::2',
  mtu: 1420,
  dns: ['10.55.0.1', 'fd77::1'],
  keepaliveS: 25,
}
const tailnet: TunnelSettings = {
  kind: 'tailnet',
  authKey: 'tskey-auth-x',
  controlUrl: '',
  gatewayIp: '100.64.0.1',
  hostname: 'laptop-run-a1',
}

const requests: { readonly [K in Request['kind']]: Extract<Request, { kind: K }> } = {
  hello: { kind: 'hello', protocol: 1, client: 'clawpatrol' },
  start: { kind: 'start', tunnel: wireguard },
  register: { kind: 'register', tunnel: id, pid: 4321 },
  unregister: { kind: 'unregister', tunnel: id, pid: 4321, startedUs: 1_700_000_000_000_000 },
  dial: { kind: 'dial', tunnel: id, host: '100.64.0.1', port: 8080, timeoutMs: 10_000 },
  status: { kind: 'status' },
  stop: { kind: 'stop', tunnel: id },
  wipe: { kind: 'wipe' },
}

const replies: { readonly [K in Reply['kind']]: Extract<Reply, { kind: K }> } = {
  welcome: { kind: 'welcome', protocol: 1, app: '0.1.0 (7)', extension: 'unapproved' },
  started: { kind: 'started', tunnel: id, address4: '10.55.0.2', address6: null },
  registered: { kind: 'registered', startedUs: 1_700_000_000_000_000 },
  unregistered: { kind: 'unregistered' },
  dialed: { kind: 'dialed' },
  state: {
    kind: 'state',
    tunnels: [{ kind: 'tailnet', isUp: false, address4: '100.64.1.1', address6: null, processes: 3 }],
  },
  stopped: { kind: 'stopped' },
  wiped: { kind: 'wiped' },
  refused: { kind: 'refused', code: 'failed', message: 'kein Zugriff: “x”' },
}

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const malformed = expect.objectContaining({ code: 'CP_PROTOCOL' })

describe('decodeRequest() and decodeReply()', () => {
  it.each(Object.values(requests))('read the request $kind', (request) => {
    expect(decodeRequest(bytes(request))).toEqual(request)
    expect(() => decodeReply(bytes(request))).toThrow(malformed)
  })

  it.each(Object.values(replies))('read the reply $kind', (reply) => {
    expect(decodeReply(bytes(reply))).toEqual(reply)
    expect(() => decodeRequest(bytes(reply))).toThrow(malformed)
  })

  it('reads a tunnel into a tailnet, of a service of its own too', () => {
    for (const controlUrl of ['', 'https://control.example', 'http://10.0.0.1:8080/base'])
      expect(decodeRequest(bytes({ kind: 'start', tunnel: { ...tailnet, controlUrl } }))).toMatchObject({
        tunnel: { controlUrl },
      })
  })

  it('refuse a message with a field too many or one too few', () => {
    for (const [decode, message] of [
      ...Object.values(requests).map((each) => [decodeRequest, each] as const),
      ...Object.values(replies).map((each) => [decodeReply, each] as const),
    ]) {
      expect(() => decode(bytes({ ...message, more: 1 }))).toThrow(malformed)
      for (const name of Object.keys(message)) {
        const { [name as 'kind']: _gone, ...left } = message
        expect(() => decode(bytes(left))).toThrow(malformed)
        expect(() => decode(bytes({ ...message, [name]: {} }))).toThrow(malformed)
      }
    }
  })

  it.each<[string, object]>([
    ['an id that can be guessed', { ...requests.stop, tunnel: '1' }],
    ['the first process', { ...requests.register, pid: 1 }],
    ['a process that is no number', { ...requests.register, pid: '4321' }],
    ['half a process', { ...requests.register, pid: 43.5 }],
    ['a name to dial', { ...requests.dial, host: 'gateway.example' }],
    ['port 0', { ...requests.dial, port: 0 }],
    ['an endless wait', { ...requests.dial, timeoutMs: 1e9 }],
    ['a short key', { kind: 'start', tunnel: { ...wireguard, privateKey: 'AA==' } }],
    ['an endpoint by name', { kind: 'start', tunnel: { ...wireguard, endpoint: 'gateway.example:1' } }],
    ['an endpoint out of range', { kind: 'start', tunnel: { ...wireguard, endpoint: '192.0.2.1:65536' } }],
    ['an endpoint without brackets', { kind: 'start', tunnel: { ...wireguard, endpoint: 'fd77::1:51820' } }],
    ['an mtu no IPv6 fits in', { kind: 'start', tunnel: { ...wireguard, mtu: 1000 } }],
    ['too many name servers', { kind: 'start', tunnel: { ...wireguard, dns: Array(5).fill('10.0.0.1') } }],
    ['IPv6 where IPv4 belongs', { kind: 'start', tunnel: { ...wireguard, address4: 'fd77::2' } }],
    ['a control URL with a password', { kind: 'start', tunnel: { ...tailnet, controlUrl: 'https://a:b@c.example' } }],
    ['a control URL that is a file', { kind: 'start', tunnel: { ...tailnet, controlUrl: 'file:///etc/passwd' } }],
    ['a key with a line in it', { kind: 'start', tunnel: { ...tailnet, authKey: 'a\nb' } }],
    ['a name with a dot', { kind: 'start', tunnel: { ...tailnet, hostname: 'a.b' } }],
    ['a tunnel of no kind', { kind: 'start', tunnel: { kind: 'constructor' } }],
    ['no kind', { kind: '__proto__' }],
    ['a list', [requests.status]],
  ])('refuse %s', (_what, message) => {
    expect(() => decodeRequest(bytes(message))).toThrow(malformed)
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no JSON', Buffer.from('{"kind":"stopped"')],
    ['two messages in one frame', Buffer.from('{"kind":"stopped"}{"kind":"stopped"}')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['null', Buffer.from('null')],
    ['a prototype', Buffer.from('{"kind":"stopped","__proto__":{}}')],
    ['an error with a line in it', bytes({ ...replies.refused, message: 'a\nb' })],
    ['an error with an escape in it', bytes({ ...replies.refused, message: '\u001b[2J' })],
    ['an error without end', bytes({ ...replies.refused, message: 'a'.repeat(301) })],
    ['an error of no kind', bytes({ ...replies.refused, code: 'other' })],
    ['more tunnels than there may be', bytes({ kind: 'state', tunnels: Array(65).fill(replies.state.tunnels[0]) })],
    ['an address that is none', bytes({ ...replies.started, address4: '10.55.0.256' })],
  ])('refuse %s', (_what, body) => {
    expect(() => decodeReply(body)).toThrow(malformed)
  })

  it('never quote what they cannot read', () => {
    const secret = 'tskey-auth-hush'
    for (const body of [Buffer.from(`{"${secret}`), bytes({ ...requests.start, [secret]: secret }), bytes(secret)])
      expect(() => decodeRequest(body)).toThrow(expect.toSatisfy((error) => !inspect(error).includes(secret)))
  })

  it('either read a message of the protocol or refuse, whatever comes', () => {
    const value = fc.oneof(
      fc.json(),
      fc
        .record({
          kind: fc.constantFrom(...Object.keys(requestShapes), ...Object.keys(replyShapes)),
          tunnel: fc.anything(),
        })
        .map((each) => JSON.stringify(each)),
      fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each).toString('latin1')),
    )
    fc.assert(
      fc.property(value, (json) => {
        for (const [decode, shapes] of [
          [decodeRequest, requestShapes],
          [decodeReply, replyShapes],
        ] as const) {
          try {
            expect(Object.keys(shapes)).toContain(decode(Buffer.from(json)).kind)
          } catch (error) {
            expect(error).toMatchObject({ code: 'CP_PROTOCOL' })
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('README.md', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  const named = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  /** The rows of the table under a heading: the first cell's name, and the names in the second. */
  const table = (heading: string) => {
    const section = readme.split(`### ${heading}\n`)[1]?.split('\n#')[0] ?? ''
    const rows = section.split('\n').filter((line) => line.startsWith('| `'))
    return Object.fromEntries(
      rows.map((row) => row.split('|')).map(([, first, second]) => [named(first)[0], named(second)]),
    )
  }
  const fieldsOf = (shapes: object) =>
    Object.fromEntries(Object.entries(shapes).map(([kind, shape]) => [kind, Object.keys(shape)]))

  it('has every message with its fields, and no other', () => {
    expect(table('Requests')).toEqual(fieldsOf(requestShapes))
    expect(table('Replies')).toEqual(fieldsOf(replyShapes))
  })

  it('has every code of a refusal, and no other', () => {
    const section = readme.split('### Refusals\n')[1]?.split('\n#')[0] ?? ''
    const codes = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((row) => named(row.split('|')[1]))
    expect(codes).toEqual([...refusalCodes])
  })
})
