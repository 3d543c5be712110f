import { describe, expect, it } from 'vitest'
import { parseResponseHead } from './response-head.ts'

const read = (method: string, ...lines: string[]) =>
  parseResponseHead(Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'), method)
const ok = 'HTTP/1.1 200 OK'

describe('parseResponseHead()', () => {
  it.each([
    ['a length', 'GET', [ok, 'Content-Length: 5'], { framing: { kind: 'length', bytes: 5 }, isPersistent: true }],
    ['a length said twice alike', 'GET', [ok, 'Content-Length: 5', 'Content-Length: 5'], { framing: { bytes: 5 } }],
    ['chunks', 'GET', [ok, 'Transfer-Encoding: chunked'], { framing: { kind: 'chunked' } }],
    ['a body until the close', 'GET', [ok], { framing: { kind: 'until_close' }, isPersistent: false }],
    ['no body for HEAD', 'HEAD', [ok, 'Content-Length: 5'], { framing: { kind: 'none' }, isPersistent: true }],
    ['no body of 204', 'GET', ['HTTP/1.1 204 No Content'], { framing: { kind: 'none' } }],
    ['no body of 304', 'GET', ['HTTP/1.1 304 Not Modified', 'Content-Length: 9'], { framing: { kind: 'none' } }],
    ['no reason', 'GET', ['HTTP/1.1 200', 'Content-Length: 0'], { status: 200, reason: '' }],
    ['a last response', 'GET', [ok, 'Content-Length: 0', 'Connection: close'], { isPersistent: false }],
    ['HTTP/1.0', 'GET', ['HTTP/1.0 200 OK', 'Content-Length: 0'], { isPersistent: false }],
  ])('reads %s', (_name, method, lines, expected) => {
    expect(read(method, ...lines)).toMatchObject({ kind: 'response', ...expected })
  })

  it.each([
    ['no status', ['HTTP/1.1 OK']],
    ['a short status', ['HTTP/1.1 20 OK']],
    ['another protocol', ['ICY 200 OK']],
    ['length and coding', [ok, 'Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['two lengths', [ok, 'Content-Length: 1', 'Content-Length: 2']],
    ['a length that is none', [ok, 'Content-Length: 1 1']],
    ['another coding', [ok, 'Transfer-Encoding: gzip']],
    ['a folded line', [ok, 'X: 1', ' 2']],
    ['a line feed alone', [ok, 'X: 1\nY: 2']],
  ])('refuses %s', (_name, lines) => {
    expect(read('GET', ...lines)).toMatchObject({ kind: 'bad' })
  })
})
