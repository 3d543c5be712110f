import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InspectedBody } from './inspected-body.ts'
import { parseJson } from './parse-json.ts'
import { HttpFacts, unknownsOf } from './request-facts.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'

const unread: InspectedBody = { kind: 'unread', unknowns: [] }

function head(target: string, ...lines: string[]): RequestHead {
  const bytes = Buffer.from([`GeT ${target} HTTP/1.1`, 'Host: a.test', ...lines, '', ''].join('\r\n'), 'latin1')
  const read = parseRequestHead(bytes)
  if (read.kind === 'bad') throw new Error(read.because)
  return read
}
const facts = (target: string, ...lines: string[]) => new HttpFacts(head(target, ...lines), 'a.test', unread)

describe('HttpFacts', () => {
  it('folds the method and tells host and scheme', () => {
    expect(facts('/')).toMatchObject({ method: 'get', host: 'a.test', scheme: 'https' })
  })

  it.each([
    ['/a/b', '/a/b'],
    ['/a%2Fb/../c//d;e', '/a/b/../c//d;e'],
    ['/%C3%A9?x', '/é'],
    ['/\xc3\xa9', '/é'],
    ['/a+b', '/a+b'],
  ])('decodes the path %j and leaves it as it is', (target, path) => {
    expect(facts(target).path).toBe(path)
    expect(unknownsOf(head(target), unread)).toEqual([])
  })

  it.each(['/%', '/%4', '/%zz', '/%ff', '/a%C3'])('does not know the path %j', (target) => {
    expect(unknownsOf(head(target), unread)).toEqual([{ path: 'http.path', because: 'undecodable' }])
  })

  it.each([
    ['/', {}],
    ['/?', {}],
    ['/?a=1&b&a=2&=x&&c=d=e', { a: ['1', '2'], b: [''], '': ['x'], c: ['d=e'] }],
    ['/?a+b=c+d%2B', { 'a b': ['c d+'] }],
    ['/?__proto__=1', JSON.parse('{"__proto__":["1"]}')],
    ['/?a=%3f?', { a: ['??'] }],
  ])('decodes the query of %j', (target, query) => {
    expect(facts(target).query).toEqual(query)
  })

  it('does not know a query of which a part cannot be decoded', () => {
    for (const target of ['/?a=1&b=%zz', '/?a=1&b=\xff', '/?\xc3=1', '/\xc3\xa9?a=\xe9'])
      expect(unknownsOf(head(target), unread)).toEqual([{ path: 'http.query', because: 'undecodable' }])
    expect(unknownsOf(head('/?a=\xc3\xa9'), unread)).toEqual([])
  })

  it('shows headers under their canonical names, without Host', () => {
    expect(facts('/', 'x-api-KEY: 1', 'X-Api-Key: 2', 'te: trailers').headers).toEqual({
      'X-Api-Key': ['1', '2'],
      Te: ['trailers'],
    })
  })

  it('fails for a body that was not read', () => {
    expect(() => facts('/').body).toThrow('not read')
    expect(() => facts('/').body_json).toThrow('not read')
  })
})

describe('parseJson()', () => {
  it('reads every document JSON.parse reads, where no member occurs twice', () => {
    fc.assert(
      fc.property(
        fc.json().filter((text) => !/[0-9]{16}/.test(text)),
        (text) => {
          // what was made from a value has no twins
          expect(parseJson(text)).toEqual({ kind: 'value', value: JSON.parse(text) })
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    '{"a":1,"a":2}',
    '[{"a":{"b":[],"b":1}}]',
    '{"a":1,"\\u0061":2}',
    '{"a":"}","b":[{}],"a":1}',
    '{',
    '',
    '\ufeff{}',
  ])('refuses %j', (text) => {
    expect(parseJson(text)).toEqual({ kind: 'unreadable' })
  })
})
