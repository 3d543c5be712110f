import { describe, expect, it } from 'vitest'
import {
  narrowCodings,
  requestFields,
  requestTrailers,
  responseFields,
  trailerFields,
  upgradeOf,
} from './filter-headers.ts'
import { HeaderList, headerName } from './header-list.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'

function head(...lines: string[]): RequestHead {
  const read = parseRequestHead(Buffer.from(['GET / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n')))
  if (read.kind === 'bad') throw new Error(read.because)
  return read
}
function listOf(...lines: string[]): HeaderList {
  const list = new HeaderList()
  for (const line of lines) {
    const name = headerName(line.slice(0, line.indexOf(':')))
    if (name !== null) list.add(name, line.slice(line.indexOf(':') + 2))
  }
  return list
}
const lines = ({ names, values }: HeaderList) => names.map(({ raw }, at) => `${raw}: ${values[at]}`)

describe('requestFields()', () => {
  it('keeps order and spelling, and drops what ends here', () => {
    const sent = head(
      'x-B: 1',
      'Keep-Alive: 5',
      'Proxy-Authorization: x',
      'Connection: keep-alive, X-Gone, Authorization',
      'X-Gone: 1',
      'CDN-Loop: x',
      'Forwarded: for=1.1.1.1',
      'Authorization: kept',
      'X-a: 2',
    )
    expect(lines(requestFields(sent, false))).toEqual(['x-B: 1', 'Authorization: kept', 'X-a: 2'])
  })

  it('joins cookies, passes TE trailers alone, and says an expectation once', () => {
    const sent = head('Cookie: a=1', 'Cookie: b=2', 'TE: gzip, trailers', 'Expect: 100-continue')
    expect(lines(requestFields(sent, false))).toEqual(['Cookie: a=1; b=2', 'TE: trailers', 'Expect: 100-continue'])
    expect(lines(requestFields(sent, true))).toEqual(['Cookie: a=1; b=2', 'TE: trailers'])
  })

  it('keeps an upgrade', () => {
    const sent = head('Connection: x, upgrade', 'Upgrade: websocket', 'X: 1')
    expect(lines(requestFields(sent, false))).toEqual(['Connection: Upgrade', 'Upgrade: websocket'])
  })
})

describe('upgradeOf()', () => {
  it.each([
    ['websocket', 'websocket'],
    ['SPDY/3.1', 'spdy/3.1'],
    ['h2c', null],
    ['H2', null],
    ['HTTP/2.0', null],
    ['TLS/1.3', null],
    ['websocket, h2c', null],
  ])('lets an agent switch to %s: %s', (asked, expected) => {
    const sent = head('Connection: Upgrade, HTTP2-Settings', `Upgrade: ${asked}`, 'HTTP2-Settings: AAA')
    expect(upgradeOf(sent)).toBe(expected)
    expect(requestFields(sent, false).get('upgrade')).toBe(expected === null ? undefined : asked)
    expect(requestFields(sent, false).has('http2-settings')).toBe(false)
  })
})

describe('narrowCodings()', () => {
  it.each([
    ['gzip, br;q=0.5, deflate', 'gzip, br;q=0.5, deflate'],
    ['gzip, zstd', 'gzip'],
    ['zstd', 'identity'],
    ['*', 'identity'],
  ])('makes of %s: %s', (asked, expected) => {
    const fields = listOf('X: 1', `Accept-Encoding: ${asked}`)
    narrowCodings(fields)
    expect(lines(fields)).toEqual(['X: 1', `Accept-Encoding: ${expected}`])
  })

  it('asks for nothing the agent did not ask for', () => {
    const fields = listOf('X: 1')
    narrowCodings(fields)
    expect(lines(fields)).toEqual(['X: 1'])
  })
})

describe('requestTrailers()', () => {
  it('lets no trailer say again what a header said, or what a credential is put in', () => {
    const sent = listOf('X-Api-Key: secret', 'X-One: 1')
    const trailers = listOf('x-api-key: mine', 'x-one: 2', 'Authorization: x', 'X-Sum: 3')
    expect(lines(requestTrailers(trailers, sent))).toEqual(['X-Sum: 3'])
  })
})

describe('responseFields()', () => {
  it('drops what would give the agent a credential or lead it around the gateway', () => {
    const sent = listOf(
      'Set-Cookie: a',
      'Alt-Svc: h3',
      'Connection: X-Y',
      'X-Y: 1',
      'Authentication-Info: x',
      'ETag: "e"',
    )
    expect(lines(responseFields(sent))).toEqual(['ETag: "e"'])
  })

  it.each([
    ['Basic realm="git"', true],
    ['basic realm="a \\"b\\"", charset="UTF-8"', true],
    ['Basic', false],
    ['Bearer realm="x"', false],
    ['Basic realm="x", Bearer realm="y"', false],
  ])('passes the challenge %s: %s', (challenge, passes) => {
    expect(responseFields(listOf(`WWW-Authenticate: ${challenge}`)).length).toBe(passes ? 1 : 0)
  })
})

describe('trailerFields()', () => {
  it('drops fields that mean something before the body', () => {
    const sent = listOf('grpc-status: 0', 'Content-Length: 5', 'Host: x', 'Set-Cookie: a', 'Transfer-Encoding: chunked')
    expect(lines(trailerFields(sent))).toEqual(['grpc-status: 0'])
  })
})
