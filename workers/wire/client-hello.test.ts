import { Duplex } from 'node:stream'
import tls from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientHello } from './client-hello.ts'

/** The first flight of Node's own TLS client. */
async function capture(options: tls.ConnectionOptions): Promise<Buffer> {
  return await new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk)
        done()
      },
    })
    tls.connect({ socket, ...options }).on('error', () => undefined)
  })
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255, body.length >> 8, body.length & 255]), body])
}

function serverName(...names: string[]): Buffer {
  const list = Buffer.concat(
    names.map((name) => Buffer.concat([Buffer.from([0, name.length >> 8, name.length & 255]), Buffer.from(name)])),
  )
  return extension(0, Buffer.concat([Buffer.from([list.length >> 8, list.length & 255]), list]))
}

/** A ClientHello with these extensions, in records of at most `recordBytes`. */
function hello(extensions: Buffer, recordBytes = 16_384): Buffer {
  const lengthed = Buffer.concat([Buffer.from([extensions.length >> 8, extensions.length & 255]), extensions])
  const body = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0]), lengthed])
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body])
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += recordBytes) {
    const part = message.subarray(at, at + recordBytes)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

describe('parseClientHello()', () => {
  it('reads name and ALPN of a real client, and asks for more at every shorter prefix', async () => {
    const bytes = await capture({ servername: 'API.Example.com', ALPNProtocols: ['h2', 'http/1.1'] })
    const whole = { kind: 'hello', serverName: 'api.example.com', alpn: ['h2', 'http/1.1'] }
    expect(parseClientHello(bytes)).toEqual(whole)
    expect(parseClientHello(Buffer.concat([bytes, Buffer.from('more')]))).toEqual(whole)
    for (let end = 0; end < bytes.length; end += 1) {
      expect(parseClientHello(bytes.subarray(0, end))).toEqual({ kind: 'more' })
    }
  })

  it('says there is no name when the client sends none', async () => {
    expect(parseClientHello(await capture({}))).toEqual({ kind: 'hello', serverName: null, alpn: [] })
  })

  it('joins a message that is spread over records, a byte each too', () => {
    for (const recordBytes of [1, 2, 3, 5, 40, 16_384]) {
      const bytes = hello(serverName('a.example'), recordBytes)
      expect(parseClientHello(bytes)).toEqual({ kind: 'hello', serverName: 'a.example', alpn: [] })
      expect(parseClientHello(bytes.subarray(0, -1))).toEqual({ kind: 'more' })
    }
  })

  it('takes a hello of more than 16 KiB', () => {
    const bytes = hello(Buffer.concat([extension(0xfafa, Buffer.alloc(30_000)), serverName('big.example')]))
    expect(parseClientHello(bytes)).toEqual({ kind: 'hello', serverName: 'big.example', alpn: [] })
  })

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), 'first byte is not a TLS handshake record'],
    ['SSLv2', Buffer.from([0x80, 0x2e, 1]), 'first byte is not a TLS handshake record'],
    ['another version', Buffer.from([22, 9]), 'record version is not TLS'],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0]), 'record of 0 bytes'],
    ['an oversized record', Buffer.from([22, 3, 1, 0x40, 1]), 'record of 16385 bytes'],
    ['a ServerHello', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]), 'first message is not a ClientHello'],
    ['an oversized message', Buffer.from([22, 3, 1, 0, 4, 1, 2, 0, 0]), 'ClientHello of 131072 bytes'],
    ['two names', hello(serverName('a.example', 'b.example')), 'two server names'],
    [
      'the extension twice',
      hello(Buffer.concat([serverName('a.example'), serverName('b.example')])),
      'extension 0 occurs twice',
    ],
    ['a name that is none', hello(serverName('a b')), 'server name has characters no name has'],
    ['a short vector', hello(extension(0, Buffer.from([0, 9, 0]))), 'ClientHello ends inside a field'],
  ])('refuses %s', (_name, bytes, because) => {
    expect(parseClientHello(bytes)).toEqual({ kind: 'not_tls', because })
  })

  it('never throws, whatever bytes are changed', () => {
    const good = hello(Buffer.concat([serverName('a.example'), extension(16, Buffer.from([0, 3, 2, 104, 50]))]))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) bytes[at] = value
        expect(['more', 'not_tls', 'hello']).toContain(parseClientHello(bytes).kind)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseClientHello(bytes).kind).not.toBe('hello')
      }),
      { numRuns: 500 },
    )
  })
})
