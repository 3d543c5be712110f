import { describe, expect, it } from 'vitest'
import { Body } from './body.ts'
import { HeaderList } from './header-list.ts'
import { Http1Connection } from './http1-client.ts'
import { TestConnection, turn } from './stream.fixture.ts'

/** One request on a connection, and everything that is said of it. */
function send(method = 'GET', body = new Body(0, null), upgrade: string | null = null) {
  const log: string[] = []
  const socket = new TestConnection()
  const connection = new Http1Connection(socket, { idle: () => log.push('idle'), closed: () => log.push('closed') })
  const request = { method, target: '/x', authority: 'a.test', headers: new HeaderList(), upgrade }
  const call = connection.send(request, body, {
    inform: (status) => log.push(`inform ${status}`),
    response: (head, answer) => {
      let text = ''
      log.push(`response ${head.status}`)
      answer.pipe({
        write: (chunk) => {
          text += chunk.toString('latin1')
          return true
        },
        end: (trailers) => log.push(`end ${text}${trailers === null ? '' : ` ${trailers.values.join()}`}`),
        abort: (error) => log.push(`abort ${text}: ${error.message}`),
        onDrain: null,
      })
    },
    upgraded: (_head, _socket, early) => log.push(`upgraded ${early.toString()}`),
    failed: (error, { isUntouched }) => log.push(`failed ${isUntouched}: ${error.message}`),
  })
  return { log, socket, connection, call }
}

const answers: readonly (readonly [string, string, readonly string[]])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', ['response 200', 'end hello', 'idle']],
  [
    'informational ones before',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    ['inform 100', 'inform 103', 'response 204', 'end ', 'idle'],
  ],
  [
    'chunks and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n',
    ['response 200', 'end abc 1', 'idle'],
  ],
  [
    'a last response',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx',
    ['response 200', 'end x', 'closed'],
  ],
]

describe('Http1Connection', () => {
  it.each(answers)('reads a response with %s, split at every boundary', async (_name, text, expected) => {
    for (let at = 1; at <= text.length; at += 1) {
      const { log, socket } = send()
      await socket.feed(text.slice(0, at))
      if (at < text.length) await socket.feed(text.slice(at))
      expect(log).toEqual(expected)
    }
  })

  it('sends a request without body in one piece', async () => {
    const { socket } = send('DELETE')
    await turn()
    expect(socket.written.map(String)).toEqual(['DELETE /x HTTP/1.1\r\nHost: a.test\r\n\r\n'])
  })

  it('sends head and body in one piece, with its length or in chunks', async () => {
    const known = new Body(3, null)
    const { socket } = send('POST', known)
    known.push(Buffer.from('abc'))
    known.finish(null)
    await turn()
    expect(socket.text).toBe('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc')
    expect(socket.written).toHaveLength(1)
    const unknown = new Body(null, null)
    const chunked = send('POST', unknown).socket
    unknown.push(Buffer.from('abc'))
    unknown.finish(HeaderList.of('T', '1'))
    await turn()
    expect(chunked.text).toMatch(/Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n$/)
  })

  it('reads a body until the close', async () => {
    const { log, socket } = send()
    await socket.feed('HTTP/1.1 200 OK\r\n\r\nall of it')
    socket.push(null)
    await turn()
    expect(log).toEqual(['response 200', 'end all of it', 'closed'])
  })

  it.each([
    ['nothing', '', 'failed true: the upstream closed the connection'],
    ['half a head', 'HTTP/1.1 200', 'failed false: the upstream closed the connection'],
    [
      'half a body',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf',
      'abort half: the upstream closed the connection',
    ],
    ['a head that is none', 'SSH-2.0-x\r\n\r\n', 'failed true: the upstream does not speak HTTP/1.1'],
    ['a 101 nobody asked for', 'HTTP/1.1 101 X\r\n\r\n', 'failed true: the upstream does not speak HTTP/1.1'],
    [
      'a body that is not chunked',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'abort : the upstream',
    ],
    [
      'too long a head',
      `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`,
      'failed true: the upstream does not speak HTTP/1.1',
    ],
    ['endless informational ones', 'HTTP/1.1 103 X\r\n\r\n'.repeat(40), 'failed false: the upstream does not speak'],
  ])('fails on %s, and closes', async (_name, text, expected) => {
    const { log, socket } = send()
    if (text !== '') await socket.feed(text)
    socket.push(null)
    await turn()
    expect(log.filter((line) => /^(failed|abort)/.test(line))).toEqual([expect.stringContaining(expected)])
    expect(log).toContain('closed')
    expect(socket.destroyed).toBe(true)
  })

  it('does not trust a connection that says more than it was asked', async () => {
    const extra = send()
    await extra.socket.feed('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n')
    expect(extra.log).toEqual(['response 200', 'end x', 'closed'])
    const unasked = send()
    await unasked.socket.feed('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await unasked.socket.feed('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    expect(unasked.log).toEqual(['response 200', 'end ', 'idle', 'closed'])
    expect(unasked.socket.destroyed).toBe(true)
  })

  it('hands over an upgraded connection with what came early', async () => {
    const { log, socket } = send('GET', new Body(0, null), 'websocket')
    await socket.feed('HTTP/1.1 101 Switching Protocols\r\n\r\nearly')
    expect(log).toEqual(['closed', 'upgraded early'])
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })

  it('does not keep a connection whose request was not sent whole', async () => {
    const { log, socket } = send('POST', new Body(10, null))
    await socket.feed('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n')
    expect(log).toEqual(['response 413', 'end ', 'closed'])
  })
})
