import type { IncomingMessage, ServerResponse } from 'node:http'
import nodeHttps from 'node:https'
import zlib from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aCredential, aRule, curl, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'
const token = 'upstream-secret-5f0c1d7a99e24b1f'

interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

const encoders: { readonly [coding: string]: (text: Buffer) => Buffer } = {
  gzip: zlib.gzipSync,
  br: zlib.brotliCompressSync,
  deflate: zlib.deflateSync,
  broken: (text) => text,
}

describe('an HTTPS flow over HTTP/1.1', () => {
  let pki: Pki
  let upstream: nodeHttps.Server
  let gateway: Gateway
  const received: Received[] = []

  beforeAll(async () => {
    pki = makePki([host])
    upstream = nodeHttps.createServer({ key: pki.server.key, cert: pki.server.chain }, answer)
    const upstreamPort = await listen(upstream)
    gateway = await startGateway({
      pki,
      host,
      upstreamPort,
      rules: [
        aRule('no-delete', "http.method == 'DELETE'", 'nothing is deleted here'),
        aRule('no-keys', "http.body.contains('PRIVATE KEY')", 'a private key is in it'),
      ],
      credentials: [aCredential('api-token', 'bearer_token')],
      secrets: { 'api-token': { '': token } },
    })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    upstream?.closeAllConnections()
    upstream?.close()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    received.length = 0
    gateway.actions.length = 0
    gateway.refused.length = 0
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers, rawHeaders } = request
    received.push({ method, path: url, headers, rawHeaders, body })
    if (url === '/echo')
      return void response.setHeader('X-Saw', headers.authorization ?? '').end(`${headers.authorization}`)
    const coding = /^\/coded-(\w+)$/.exec(url)?.[1]
    if (coding !== undefined) {
      const text = Buffer.from(`you are ${headers.authorization}, `.repeat(3000))
      response.setHeader('ETag', '"e"').setHeader('Content-Encoding', coding).setHeader('Content-Type', 'text/plain')
      response.end(encoders[coding]?.(text))
      return
    }
    response.setHeader('Set-Cookie', 'a=b').setHeader('Content-Type', 'text/plain')
    response.end(`${method} ${url} ${body.length}`)
  }

  const run = (...args: string[]) => curl(gateway, pki, '--http1.1', ...args)
  const url = (path: string) => `https://${host}${path}`

  it('passes a GET with the credential in it, and records it', async () => {
    expect(await run('-H', 'Authorization: Bearer mine', '-H', 'X-One: 1', url('/hello?q=1'))).toBe('GET /hello?q=1 0')
    await gateway.settled()
    expect(received[0]?.headers).toMatchObject({ authorization: `Bearer ${token}`, host, 'x-one': '1' })
    expect(gateway.actions).toMatchObject([
      {
        kind: 'allow',
        seen: { title: `GET https://${host}/hello`, credential: 'api-token' },
        closing: { status: '200', error: null, bytesUp: 0, bytesDown: 16 },
      },
    ])
  })

  it('passes a POST with its body', async () => {
    expect(await run('-d', 'some=thing', url('/post'))).toBe('POST /post 10')
    await gateway.settled()
    expect(received[0]?.body).toBe('some=thing')
    const [action] = gateway.actions
    expect(Buffer.from(action?.closing?.request?.bytes ?? []).toString()).toBe('some=thing')
    expect(Buffer.from(action?.closing?.response?.bytes ?? []).toString()).toBe('POST /post 10')
  })

  it('denies with 403 problem+json on a connection that stays open', async () => {
    const said = await run(
      '-X',
      'DELETE',
      '-w',
      '\n%{http_code} %{content_type}\n',
      url('/users/7'),
      '--next',
      '-sS',
      '--http1.1',
      '--cacert',
      pki.caFile,
      '--connect-to',
      `::127.0.0.1:${gateway.port}`,
      '-w',
      '%{num_connects}',
      url('/after'),
    )
    const [problem = '', status, after] = said.split(/\n+/)
    expect(JSON.parse(problem)).toMatchObject({ status: 403, rule: 'no-delete', reason: 'nothing is deleted here' })
    expect(status).toBe('403 application/problem+json')
    expect(after).toBe('GET /after 00')
    expect(received.map(({ path }) => path)).toEqual(['/after'])
    expect(gateway.actions[0]).toMatchObject({ kind: 'deny', closing: { status: 'denied' } })
  })

  it('judges a body before a byte of it leaves', async () => {
    const send = (data: string) => run('-o', '/dev/null', '-w', '%{http_code}', '-d', data, url('/notes'))
    expect(await send('-----BEGIN PRIVATE KEY-----')).toBe('403')
    expect(received).toEqual([])
    expect(await send('harmless')).toBe('200')
  })

  it('keeps cookies and an echoed credential from the agent', async () => {
    expect(await run('-D', '-', url('/hello'))).not.toMatch(/set-cookie/i)
    const echoed = await run('-D', '-', url('/echo'))
    expect(echoed).not.toContain(token)
    expect(echoed).toContain('*'.repeat(token.length))
  })

  it.each(['gzip', 'br', 'deflate'])('keeps a credential echoed in %s from the agent', async (coding) => {
    for (const version of ['--http1.1', '--http2']) {
      const said = await curl(gateway, pki, version, '--compressed', '-D', '-', url(`/coded-${coding}`))
      const [head = '', body = ''] = said.split('\r\n\r\n')
      expect(body).toBe(`you are Bearer ${'*'.repeat(token.length)}, `.repeat(3000))
      expect(head).toMatch(/etag: W\/"e"/i)
      expect(head).not.toMatch(/content-encoding/i)
    }
  })

  it('passes a body on as it is in a coding it does not know, and answers HEAD with what the upstream says', async () => {
    expect(await run(url('/coded-broken'))).toContain('you are Bearer')
    expect(await run('-I', url('/coded-gzip'))).toMatch(/Content-Encoding: gzip/)
  })
})
