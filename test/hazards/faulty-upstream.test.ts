import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freeTcpPort } from '../../gateway/demo/free-ports.ts'
import { type Agent, startAgent } from '../support/agent.ts'
import { type Authority, makeAuthority } from '../support/authority.ts'
import { type DyingUpstream, startDyingUpstream } from '../support/dying-upstream.ts'
import { type Behaviour, type FaultyUpstream, startFaultyUpstream } from '../support/faulty-upstream.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { until } from '../support/until.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const says =
  (text: string): Behaviour =>
  (socket) =>
    socket.end(text)

const behaviours: { readonly [path: string]: Behaviour } = {
  '/dies-in-body': (socket) => socket.write(`${ok}Content-Length: 1000\r\n\r\nsome`, () => socket.destroy()),
  '/dies-in-chunk': (socket) =>
    socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\nff\r\nsome`, () => socket.destroy()),
  '/dies-silently': (socket) => socket.destroy(),
  '/dies-in-head': says('HTTP/1.1 200 OK\r\nContent-Le'),
  '/noise': says('\x00\x01\x02 this is not HTTP\r\n\r\n'),
  '/endless-head': (socket) => socket.write(`${ok}X-Long: ${'a'.repeat(300_000)}\r\n\r\n`),
  '/two-lengths': says(`${ok}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`),
  '/both-framings': says(`${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  '/bad-chunk': (socket) => socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\nzz\r\nsome`),
  '/split': says(`${ok}X-One: a\rX-Two: b\r\nContent-Length: 0\r\n\r\n`),
}

describe('P7: an upstream that fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-faulty-'))
  let upstream: FaultyUpstream
  let dying: DyingUpstream
  let lab: Lab
  let agent: Agent

  beforeAll(async () => {
    const hosts = [
      'api.example.test',
      'dead.example.test',
      'stranger.example.test',
      'misnamed.example.test',
      'dying.example.test',
    ]
    const authority = makeAuthority(
      folder,
      hosts.filter((host) => !host.startsWith('misnamed')),
    )
    mkdirSync(join(folder, 'other'))
    const other = makeAuthority(join(folder, 'other'), ['other.example.test'])
    upstream = await startFaultyUpstream(authority, behaviours)
    dying = await startDyingUpstream(authority)
    const dead = await freeTcpPort()
    lab = await startLab({
      names: hosts,
      policy: () =>
        policy([
          ['api', upstream.port, authority],
          ['dead', dead, authority],
          ['stranger', upstream.port, other],
          ['misnamed', upstream.port, authority],
          ['dying', dying.port, authority],
        ]),
    })
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    await dying?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (url: string, ...more: string[]) => {
    const words = ['curl', '-sS', '--max-time', '20', '-w', '\n%{http_code}', ...more, url]
    const { code, stdout } = await agent.run(words)
    const [, body = '', status = ''] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? []
    return { code, body, status }
  }
  const api = (path: string) => `https://api.example.test${path}`
  const recorded = (host: string, path: string) =>
    until(`the record holds ${host}${path}`, async () =>
      (await lab.records()).find(
        ({ title, status }) => String(title).includes(`${host}${path}`) && status !== null && status !== undefined,
      ),
    )
  const othersAreServed = async () => {
    expect(await ask(api('/fine'))).toEqual({ code: 0, body: 'fine\n', status: '200' })
  }

  it.each([
    ['/dies-in-body'],
    ['/dies-in-chunk'],
    ['/bad-chunk'],
  ])('in the middle of an answer (%s) does not look like a whole one', async (path) => {
    for (const version of ['--http1.1', '--http2']) expect((await ask(api(path), version)).code).not.toBe(0)
    expect(await recorded('api.example.test', path)).toMatchObject({ error: expect.stringMatching(/./) })
    await othersAreServed()
  })

  it.each(['/end', '/destroy'])('over HTTP/2 in the middle of an answer (%s) is noticed at once', async (path) => {
    const begun = performance.now()
    for (const version of ['--http1.1', '--http2'])
      expect((await ask(`https://dying.example.test${path}`, version)).code).not.toBe(0)
    expect(performance.now() - begun).toBeLessThan(5000)
    expect(await recorded('dying.example.test', path)).toMatchObject({ error: expect.stringMatching(/./) })
    expect((await ask('https://dying.example.test/fine', '--http2')).status).toBe('200')
  })

  it.each([
    ['/dies-silently'],
    ['/dies-in-head'],
    ['/noise'],
    ['/endless-head'],
    ['/two-lengths'],
    ['/both-framings'],
    ['/split'],
  ])('before or in the head of its answer (%s) is 502 with the action', async (path) => {
    const { status, body } = await ask(api(path))
    expect(status).toBe('502')
    expect(JSON.parse(body)).toMatchObject({ status: 502, detail: expect.stringMatching(/./) })
    expect(await recorded('api.example.test', path)).toMatchObject({
      decision: 'allow',
      status: 'error',
      error: expect.stringMatching(/./),
    })
    await othersAreServed()
  })

  it.each([
    ['dead', /cannot connect/i],
    ['stranger', /certificate|authority|issuer|trust/i],
    ['misnamed', /certificate|name/i],
  ])('to be reached or believed (%s) is 502 with the cause', async (name, cause) => {
    const { status, body } = await ask(`https://${name}.example.test/x`)
    expect(status).toBe('502')
    expect(String(JSON.parse(body).detail)).toMatch(cause)
    const { status: ended, error } = await recorded(`${name}.example.test`, '/x')
    expect([ended, String(error)]).toEqual(['error', expect.stringMatching(cause)])
    await othersAreServed()
  })
})

function policy(endpoints: readonly (readonly [name: string, port: number, authority: Authority])[]): string {
  const blocks = endpoints.map(
    ([name, port, { caFile }]) => `
endpoint "https" "${name}" {
  hosts    = ["${name}.example.test"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
`,
  )
  const names = endpoints.map(([name]) => `https.${name}`).join(', ')
  return `${blocks.join('')}
credential "passthrough" "none" {
  endpoints = [${names}]
}
profile "default" {
  credentials = [passthrough.none]
}
`
}
