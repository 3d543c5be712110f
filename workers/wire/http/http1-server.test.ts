import { describe, expect, it } from 'vitest'
import type { Exchange, ExchangeHandler } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import { serveHttp1 } from './http1-server.ts'
import { TestConnection, turn } from './stream.fixture.ts'

const answer = { status: 200, reason: 'OK', headers: new HeaderList(), length: 2 } as const

/** Answers every request with `ok`, and notes what it was. */
function recorder(log: string[]): ExchangeHandler {
  return {
    begin(exchange) {
      let body = ''
      exchange.body.tap = (chunk) => {
        body += chunk.toString()
      }
      if (exchange.body.received > 0) body = exchange.body.heldPrefix(1e6).toString()
      const done = () => {
        log.push(`${exchange.head.method} ${exchange.head.target} ${body}`)
        const sink = exchange.respond(answer)
        sink.write(Buffer.from('ok'))
        sink.end(null)
      }
      if (exchange.body.isOver) return done()
      exchange.body.pipe({ write: () => true, end: done, abort: () => log.push('aborted'), onDrain: null })
    },
    refuse({ status, because }) {
      log.push(`refused ${status}`)
      return { response: { ...answer, status, reason: 'No', length: because.length }, body: Buffer.from(because) }
    },
  }
}

const requests = Buffer.from(
  [
    'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    '\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    'PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ].join(''),
)
const expected = ['POST /1 hello', 'GET /2 ', 'PUT /3 abc', 'GET /4 ']

describe('serveHttp1()', () => {
  it('serves pipelined requests alike, whole, byte by byte and split at every boundary', async () => {
    const cuts = Array.from({ length: requests.length }, (_, at) => [requests.subarray(0, at), requests.subarray(at)])
    for (const pieces of [[requests], [...requests].map((byte) => Buffer.from([byte])), ...cuts]) {
      const log: string[] = []
      const connection = new TestConnection()
      const closed = serveHttp1(connection, recorder(log))
      for (const piece of pieces) if (piece.length > 0) await connection.feed(piece)
      connection.push(null)
      await closed
      expect(log).toEqual(expected)
      expect(connection.text.match(/HTTP\/1\.1 200/g)).toHaveLength(4)
      expect(connection.text).toMatch(/Connection: close\r\n\r\nok$/)
    }
  })

  it('writes head, body and end of an answer in one piece', async () => {
    const connection = new TestConnection()
    void serveHttp1(connection, recorder([]))
    await connection.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(connection.written.map(String)).toEqual(['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'])
    connection.destroy()
  })

  it('reads nothing behind a request it cannot read', async () => {
    const log: string[] = []
    const connection = new TestConnection()
    void serveHttp1(connection, recorder(log))
    await connection.feed('GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    await connection.feed('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(log).toEqual(['refused 400'])
    expect(connection.isEnded).toBe(true)
    connection.destroy()
  })

  it('pauses an agent that sends requests ahead without end', async () => {
    const begun: Exchange[] = []
    const connection = new TestConnection()
    void serveHttp1(connection, { ...recorder([]), begin: (exchange) => void begun.push(exchange) })
    await connection.feed(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3000)}`)
    expect(begun).toHaveLength(1)
    expect(connection.isPaused()).toBe(true)
    begun[0]?.respond(answer).abort
    connection.destroy()
    await turn()
  })

  it('tells an exchange that its agent is gone', async () => {
    const said: string[] = []
    const connection = new TestConnection()
    const begin = (exchange: Exchange) => {
      exchange.onGone = (because) => said.push(because)
    }
    void serveHttp1(connection, { ...recorder([]), begin })
    await connection.feed('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
    connection.destroy()
    await turn()
    expect(said).toEqual(['the agent closed the connection'])
  })
})
