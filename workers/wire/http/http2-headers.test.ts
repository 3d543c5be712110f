import { describe, expect, it } from 'vitest'
import { HeaderList } from './header-list.ts'
import { http2Fields, readHttp2Request, readHttp2Response } from './http2-headers.ts'

const pseudo = [':method', 'GET', ':scheme', 'https', ':authority', 'A.test', ':path', '/x?y']
const read = (...raw: string[]) => readHttp2Request(raw, true)

describe('readHttp2Request()', () => {
  it('reads a header block', () => {
    expect(read(...pseudo, 'x-a', '1', 'x-a', '2')).toMatchObject({
      kind: 'request',
      version: '2',
      method: 'GET',
      target: '/x?y',
      authority: 'a.test',
      framing: { kind: 'none' },
      headers: { values: ['1', '2'] },
    })
    expect(readHttp2Request([...pseudo, 'content-length', '3'], false)).toMatchObject({ framing: { bytes: 3 } })
    expect(readHttp2Request(pseudo, false)).toMatchObject({ framing: { kind: 'chunked' } })
  })

  it.each([
    ['an upper-case name', [...pseudo, 'X-A', '1']],
    ['a line end in a value', [...pseudo, 'x-a', '1\r\nx-b: 2']],
    ['a space around a value', [...pseudo, 'x-a', ' 1']],
    ['a connection field', [...pseudo, 'connection', 'close']],
    ['transfer-encoding', [...pseudo, 'transfer-encoding', 'chunked']],
    ['te other than trailers', [...pseudo, 'te', 'gzip']],
    ['a pseudo-header twice', [...pseudo, ':path', '/']],
    ['an unknown pseudo-header', [...pseudo, ':protocol', 'websocket']],
    ['a late pseudo-header', ['x-a', '1', ...pseudo]],
    ['a scheme but https', [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/']],
    ['no path', [':method', 'GET', ':scheme', 'https', ':authority', 'a']],
    ['a path with a space', [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/a b']],
    ['a fragment', [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/#a']],
    ['an authority with user info', [':method', 'GET', ':scheme', 'https', ':authority', 'u@a', ':path', '/']],
    ['a method that is no token', [':method', 'G T', ':scheme', 'https', ':authority', 'a', ':path', '/']],
    ['CONNECT', [':method', 'CONNECT', ':authority', 'a']],
    ['a Host that differs', [...pseudo, 'host', 'b.test']],
    ['two lengths', [...pseudo, 'content-length', '0', 'content-length', '0']],
    ['a length without a body', [...pseudo, 'content-length', '3']],
  ])('refuses %s', (_name, raw) => {
    expect(read(...raw)).toMatchObject({ kind: 'bad' })
  })
})

describe('readHttp2Response()', () => {
  it.each([
    ['a body', ['GET', false], [':status', '200'], { framing: { kind: 'chunked' } }],
    ['a length', ['GET', false], [':status', '200', 'content-length', '3'], { framing: { bytes: 3 } }],
    ['HEAD', ['HEAD', false], [':status', '200', 'content-length', '3'], { framing: { kind: 'none' } }],
    ['headers alone', ['GET', true], [':status', '200'], { framing: { kind: 'none' } }],
    ['no status', ['GET', true], [':status', 'x'], { kind: 'bad' }],
    ['a connection field', ['GET', true], [':status', '200', 'keep-alive', '1'], { kind: 'bad' }],
  ] as const)('reads %s', (_name, [method, isWhole], raw, expected) => {
    expect(readHttp2Response(raw, { isWhole, method })).toMatchObject(expected)
  })
})

describe('http2Fields()', () => {
  it('leaves out what HTTP/2 forbids and joins what repeats', () => {
    const headers = new HeaderList()
    const from = HeaderList.of(
      'Host',
      'a',
      'Connection',
      'x',
      'TE',
      'trailers',
      'Accept',
      '1',
      'Upgrade',
      'x',
      'ETag',
      'e',
    )
    for (const [at, name] of from.names.entries()) headers.add(name, from.values[at] ?? '')
    const [accept] = headers.names.filter(({ lower }) => lower === 'accept')
    if (accept !== undefined) headers.add(accept, '2')
    expect(http2Fields(headers)).toEqual({ te: 'trailers', accept: ['1', '2'], etag: 'e' })
  })
})
