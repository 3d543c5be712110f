import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { makeAuthority } from '../support/authority.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { oneApi } from '../support/one-api.ts'
import { until } from '../support/until.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'hostile-token-0c4e'
const script = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))

/** What raw_tls.py is told. */
interface Raw {
  readonly tls?: boolean
  readonly send: readonly (string | { readonly repeat: string; readonly times: number })[]
  readonly end: 'read' | 'half' | 'reset'
}

describe('P7: an agent that does not play by the rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-hostile-'))
  let upstream: Upstream
  let lab: Lab
  let agent: Agent

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({
      names: [host],
      secrets: { token },
      policy: () => oneApi({ host, port: upstream.port, caFile: authority.caFile }),
    })
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const raw = async (told: Raw) => {
    const done = await agent.run(['python3', script('raw_tls.py'), host], JSON.stringify(told))
    return JSON.parse(done.stdout || `"${done.stderr}"`) as { readonly got: string; readonly ended: string }
  }
  const othersAreServed = async () => {
    const words = ['curl', '-sS', '--max-time', '15', '-o', '/dev/null', '-w', '%{http_code}', `https://${host}/fine`]
    expect((await agent.run(words)).stdout).toBe('200')
  }
  const recorded = (what: string, isMeant: (record: { readonly [column: string]: unknown }) => boolean) =>
    until(`the record holds ${what}`, async () => (await lab.records()).find(isMeant))

  const post = `POST /smuggled HTTP/1.1\r\nHost: ${host}\r\n`
  it.each([
    ['Content-Length and Transfer-Encoding', `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
    ['a list of lengths', `${post}Content-Length: 3, 4\r\n\r\nabcd`],
    ['a length with a sign', `${post}Content-Length: +4\r\n\r\nabcd`],
    ['chunked twice', `${post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked not last', `${post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ['a folded header', `${post}X-One: a\r\n b\r\n\r\n`],
    ['two hosts', `${post}Host: other.example.test\r\n\r\n`],
    ['no host', 'POST /smuggled HTTP/1.1\r\n\r\n'],
    ['a bare line feed', `${post}X-One: a\nX-Two: b\r\n\r\n`],
    ['a NUL', `${post}X-One: a\0b\r\n\r\n`],
    ['a chunk size beyond reason', `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n`],
    ['a header list without end', `${post}X-Long: ${'a'.repeat(100_000)}\r\n\r\n`],
  ])('is refused with %s, and nothing of it goes on', async (_what, text) => {
    const hidden = `GET /hidden HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const { got, ended } = await raw({ send: [text + hidden], end: 'read' })
    expect(got).toMatch(/^HTTP\/1\.1 (400|431|501) /)
    expect(got.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(ended).toBe('closed')
    expect(upstream.received.filter(({ path }) => /smuggled|hidden/.test(path))).toEqual([])
  })

  it('leaves what was refused on record, and others are served as before', async () => {
    const refused = await recorded('a refusal', ({ title }) => String(title).startsWith('malformed request to'))
    expect(refused).toMatchObject({ decision: 'deny', device: 'lab' })
    await othersAreServed()
  })

  it.each([
    ['text', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['noise', '\x16\x03\x01\xff\xff'.padEnd(3000, '\x9a')],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('that sends %s where TLS is due is cut off', async (_what, text) => {
    const { got, ended } = await raw({ tls: false, send: [text], end: 'read' })
    expect(got).not.toContain('HTTP/1.1 200')
    expect(ended).toMatch(/closed|ConnectionResetError/)
    await othersAreServed()
  })

  it('that closes its sending side early still gets its answer', async () => {
    const { got } = await raw({ send: [`GET /half HTTP/1.1\r\nHost: ${host}\r\n\r\n`], end: 'half' })
    expect(got).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('that resets in the middle of an upload leaves an error on record and no request upstream', async () => {
    const head = `PUT /torn HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50000000\r\n\r\n`
    await raw({ send: [head, { repeat: 'x'.repeat(1 << 16), times: 32 }], end: 'reset' })
    const torn = await recorded(
      'the torn upload',
      ({ title, status }) => String(title).includes('/torn') && status !== null,
    )
    expect(torn).toMatchObject({ status: 'error' })
    expect(upstream.received.filter(({ path }) => path === '/torn')).toEqual([])
    await othersAreServed()
  })

  it.each([
    '--http1.1',
    '--http2',
  ])('that dies in the middle of an upload of unknown length (%s) sends no half request upstream', async (version) => {
    const path = `/dies${version}`
    const uploading = lab.startRun(['curl', '-sS', version, '-T', '-', `https://${host}${path}`], null)
    uploading.child.stdin?.write(Buffer.alloc(300_000))
    await recorded('that it began', ({ title }) => String(title).includes(path))
    uploading.child.kill('SIGTERM')
    await uploading.finished
    const record = await recorded('its end', ({ title, status }) => String(title).includes(path) && status !== null)
    expect(record).toMatchObject({ status: 'error', error: expect.stringMatching(/agent/) })
    expect(upstream.received.filter((request) => request.path === path)).toEqual([])
  })

  it('that reads nothing of a big answer holds up nobody and takes little memory', async () => {
    const before = residentKib(lab.gateway.child.pid)
    const readers = [1, 2, 3, 4].map(() =>
      lab.startRun(['python3', script('slow_reader.py'), host, '/big?mib=24'], null),
    )
    for (const reader of readers) await reader.saw(/began/)
    for (let at = 0; at < 5; at += 1) await othersAreServed()
    expect(residentKib(lab.gateway.child.pid) - before).toBeLessThan(96 * 1024)
    for (const reader of readers) reader.child.stdin?.end('go on\n')
    for (const reader of readers) expect((await reader.finished).stdout).toMatch(/^began\nread 2516\d{4}\n$/)
  })
})

function residentKib(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
