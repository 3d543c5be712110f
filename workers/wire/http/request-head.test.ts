import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRequestHead } from './request-head.ts'

const read = (...lines: string[]) => parseRequestHead(Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'))
const host = 'Host: a.test'

describe('parseRequestHead()', () => {
  it('reads a request', () => {
    expect(read('POST /a?b=c HTTP/1.1', 'host: A.test:8443', 'X-one: \t1 ', 'Content-Length: 3')).toMatchObject({
      kind: 'request',
      version: '1.1',
      method: 'POST',
      target: '/a?b=c',
      authority: 'a.test:8443',
      headers: { values: ['A.test:8443', '1', '3'] },
      framing: { kind: 'length', bytes: 3 },
      isPersistent: true,
      expectsContinue: false,
      upgrade: null,
    })
  })

  it.each([
    ['a chunked body', ['Transfer-Encoding: Chunked'], { framing: { kind: 'chunked' } }],
    ['an announced empty body', ['Content-Length: 0'], { framing: { kind: 'none' } }],
    ['no body', [], { framing: { kind: 'none' } }],
    ['a last request', ['Connection: foo, CLOSE'], { isPersistent: false }],
    ['an upgrade', ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'], { upgrade: 'websocket' }],
    ['an Upgrade Connection does not name', ['Upgrade: websocket'], { upgrade: null }],
    ['an expectation', ['Expect: 100-Continue'], { expectsContinue: true }],
    ['bytes beyond ASCII in a value', ['X: \xe9'], { kind: 'request' }],
  ])('understands %s', (_name, lines, expected) => {
    expect(read('GET / HTTP/1.1', host, ...lines)).toMatchObject(expected)
  })

  it.each([
    ['https://a.test/x?y', '/x?y'],
    ['HTTPS://A.test', '/'],
    ['https://a.test?y', '/?y'],
  ])('reduces the absolute target %s to %s', (target, path) => {
    expect(read(`GET ${target} HTTP/1.1`, host)).toMatchObject({ target: path, authority: 'a.test' })
  })

  it('takes HTTP/1.0 without Host, and closes after it', () => {
    expect(read('GET / HTTP/1.0')).toMatchObject({ authority: null, isPersistent: false })
    expect(read('GET / HTTP/1.0', 'Connection: keep-alive')).toMatchObject({ isPersistent: true })
  })

  it.each([
    ['no version', ['GET /', host], 400],
    ['two spaces', ['GET  / HTTP/1.1', host], 400],
    ['a method that is no token', ['G(T / HTTP/1.1', host], 400],
    ['HTTP/2.0', ['GET / HTTP/2.0', host], 505],
    ['HTTP/1.2', ['GET / HTTP/1.2', host], 505],
    ['a lower-case version', ['GET / http/1.1', host], 400],
    ['a fragment', ['GET /#a HTTP/1.1', host], 400],
    ['a plain http target', ['GET http://a.test/ HTTP/1.1', host], 400],
    ['user info in the target', ['GET https://u@a.test/ HTTP/1.1', host], 400],
    ['a target for another host', ['GET https://b.test/ HTTP/1.1', host], 400],
    ['a target without a slash', ['GET a HTTP/1.1', host], 400],
    ['* without OPTIONS', ['GET * HTTP/1.1', host], 400],
    ['CONNECT', ['CONNECT a.test:443 HTTP/1.1', host], 405],
    ['no Host', ['GET / HTTP/1.1'], 400],
    ['two Hosts', ['GET / HTTP/1.1', host, host], 400],
    ['a Host that is none', ['GET / HTTP/1.1', 'Host: a.test/x'], 400],
    ['user info in Host', ['GET / HTTP/1.1', 'Host: u@a.test'], 400],
    ['an empty Host', ['GET / HTTP/1.1', 'Host:'], 400],
    ['a line without colon', ['GET / HTTP/1.1', host, 'X'], 400],
    ['an empty name', ['GET / HTTP/1.1', host, ': 1'], 400],
    ['a space before the colon', ['GET / HTTP/1.1', host, 'X : 1'], 400],
    ['a folded line', ['GET / HTTP/1.1', host, 'X: 1', '\t2'], 400],
    ['a carriage return alone', ['GET / HTTP/1.1', host, 'X: 1\r2'], 400],
    ['a line feed alone', ['GET / HTTP/1.1', host, 'X: 1\nY: 2'], 400],
    ['a zero byte', ['GET / HTTP/1.1', host, 'X: \0'], 400],
    ['a delete byte', ['GET / HTTP/1.1', host, 'X: \x7f'], 400],
    ['a signed length', ['GET / HTTP/1.1', host, 'Content-Length: +1'], 400],
    ['a hexadecimal length', ['GET / HTTP/1.1', host, 'Content-Length: 0x1'], 400],
    ['a list of lengths', ['GET / HTTP/1.1', host, 'Content-Length: 1, 1'], 400],
    ['an empty length', ['GET / HTTP/1.1', host, 'Content-Length:'], 400],
    ['a length beyond counting', ['GET / HTTP/1.1', host, 'Content-Length: 9999999999999999'], 400],
    ['two equal lengths', ['GET / HTTP/1.1', host, 'Content-Length: 1', 'Content-Length: 1'], 400],
    ['length and coding', ['GET / HTTP/1.1', host, 'Content-Length: 1', 'Transfer-Encoding: chunked'], 400],
    ['coding in HTTP/1.0', ['GET / HTTP/1.0', host, 'Transfer-Encoding: chunked'], 400],
    ['chunked twice', ['GET / HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 501],
    ['chunked not last', ['GET / HTTP/1.1', host, 'Transfer-Encoding: chunked, identity'], 501],
    ['a coding like chunked', ['GET / HTTP/1.1', host, 'Transfer-Encoding: xchunked'], 501],
    ['chunked behind a vertical tab', ['GET / HTTP/1.1', host, 'Transfer-Encoding: \vchunked'], 400],
    ['two Upgrades', ['GET / HTTP/1.1', host, 'Connection: upgrade', 'Upgrade: a', 'Upgrade: b'], 400],
    ['too long a head', ['GET / HTTP/1.1', host, `X: ${'a'.repeat(65_536)}`], 431],
    ['too many fields', ['GET / HTTP/1.1', ...Array.from({ length: 201 }, () => 'X: 1')], 431],
  ])('refuses %s', (_name, lines, status) => {
    expect(read(...lines)).toMatchObject({ kind: 'bad', status })
  })

  it('never throws, and never reads a name or value with a line end in it', () => {
    const good = Buffer.from(`POST /a HTTP/1.1\r\n${host}\r\nContent-Length: 3\r\nX-Y: z\r\n\r\n`)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) bytes[at] = value
        const head = parseRequestHead(bytes)
        if (head.kind === 'bad') return
        for (const { raw } of head.headers.names) expect(raw).toMatch(/^[!-9;-~]+$/)
        for (const value of head.headers.values) expect(value).not.toMatch(/[\r\n\0]/)
      }),
      { numRuns: 3000 },
    )
  })
})
