import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { echoOf, maskText } from '../../upstream/secret-echo.ts'
import { bodyText, decodeBody } from '../../wire/http/decode-body.ts'
import { HeaderList } from '../../wire/http/header-list.ts'
import { readHttp2Response } from '../../wire/http/http2-headers.ts'
import { HttpFacts } from '../../wire/http/request-facts.ts'
import type { RequestHead } from '../../wire/http/request-head.ts'
import { parseResponseHead } from '../../wire/http/response-head.ts'

describe('a body whose coded part ends early', () => {
  it.each([
    ['deflate', deflateSync('a=harmless')],
    ['deflate', deflateRawSync('a=harmless')],
    ['br', brotliCompressSync('a=harmless')],
    ['gzip', gzipSync('a=harmless')],
  ])('is unknown: an upstream may read what follows (%s)', async (coding, coded) => {
    const whole = await decodeBody(coded, [coding], 1000)
    expect(whole).toMatchObject({ kind: 'bytes', bytes: Buffer.from('a=harmless') })
    const more = Buffer.concat([coded, Buffer.from('&action=delete')])
    expect(await decodeBody(more, [coding], 1000)).toMatchObject({ kind: 'unknown' })
  })
})

describe('a text body in UTF-16', () => {
  const bytes = Buffer.from('{"action":"delete"}', 'utf16le')

  it.each([['application/json'], ['text/plain'], [undefined]])('that does not say so is unknown (%s)', (type) => {
    expect(bodyText(bytes, type)).toBeNull()
  })

  it('leaves files of other types readable', () => {
    expect(bodyText(Buffer.from('PK\u0000\u0003delete'), 'application/zip')).toContain('delete')
  })
})

describe('fields that no upstream gets', () => {
  function factsOf(...fields: readonly string[]) {
    const headers = HeaderList.of(...fields)
    const head = { method: 'GET', target: '/', headers } as RequestHead
    return new HttpFacts(head, 'api.example.com', { kind: 'unread', unknowns: [] }).headers
  }

  it('are not shown to rules: neither what Connection names nor what tells about proxies', () => {
    const seen = factsOf(
      'Connection',
      'X-Dry-Run, close',
      'X-Dry-Run',
      '1',
      'Via',
      '1.1 x',
      'X-Forwarded-For',
      'y',
      'A',
      'b',
    )
    expect(seen).toEqual({ Connection: ['X-Dry-Run, close'], A: ['b'] })
  })

  it('do not include what takes effect', () => {
    expect(factsOf('Connection', 'Upgrade', 'Upgrade', 'websocket')).toHaveProperty('Upgrade', ['websocket'])
  })
})

describe('an upstream that answers with what HTTP/2 cannot carry', () => {
  it('is refused for a status above 599, whichever version it speaks', () => {
    expect(parseResponseHead(Buffer.from('HTTP/1.1 999 No\r\n\r\n'), 'GET')).toMatchObject({ kind: 'bad' })
    expect(readHttp2Response([':status', '999'], { isWhole: true, method: 'GET' })).toMatchObject({ kind: 'bad' })
    expect(readHttp2Response([':status', '599'], { isWhole: true, method: 'GET' })).toMatchObject({ status: 599 })
  })

  it('does not show a secret in its reason phrase', () => {
    const echo = echoOf({ '': 'secret-of-an-upstream' })
    if (echo === null) throw new Error('the secret is long enough')
    expect(maskText('no secret-of-an-upstream here', echo)).toBe(`no ${'*'.repeat(21)} here`)
  })
})
