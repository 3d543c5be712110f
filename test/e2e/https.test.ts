import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { type Lab, type LabRecord, type Place, startLab } from '../support/lab.ts'
import { bigChecksum, startUpstream, type Upstream } from '../support/upstream.ts'

const token = 'upstream-secret-5f0c1d7a99e24b1f'
const host = 'api.example.test'
const script = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))

const policy = (port: number, caFile: string) => `
defaults {
  unknown_host = "deny"
}
endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
credential "bearer_token" "api-token" {
  endpoint = https.api
}
endpoint "https" "keyless" {
  hosts    = ["keyless.example.test"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
credential "bearer_token" "never-set" {
  endpoint = https.keyless
}
rule "no-delete" {
  endpoint  = https.api
  priority  = 10
  condition = "http.method == 'DELETE'"
  verdict   = "deny"
  reason    = "nothing is deleted here"
}
rule "no-transfer" {
  endpoint  = https.api
  priority  = 10
  condition = "http.path == '/demo.Ledger/Transfer'"
  verdict   = "deny"
  reason    = "no transfers"
}
rule "no-keys" {
  endpoint  = https.api
  priority  = 10
  condition = "http.body.contains('PRIVATE KEY')"
  verdict   = "deny"
  reason    = "a private key is in it"
}
profile "default" {
  credentials = [bearer_token.api-token, bearer_token.never-set]
}
`

describe("an agent's HTTPS traffic through the gateway", () => {
  let lab: Lab
  let upstream: Upstream
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-e2e-'))

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({
      names: [host],
      policy: (_place: Place) => policy(upstream.port, authority.caFile),
      secrets: { 'api-token': token },
    })
  })

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const url = (path: string) => `https://${host}${path}`

  it('curl over HTTP/1.1 gets the credential injected and is recorded with the rule that decided', async () => {
    const done = await lab.run(['curl', '-sS', '--http1.1', '-w', '%{http_version}', url('/hello')])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(/^GET \/hello over (1\.1|2\.0) with 0 bytes\n1\.1$/)
    const record = last(await lab.records(), 'GET', '/hello')
    expect(record).toMatchObject({ decision: 'allow', credential: 'api-token', device: 'lab', status: '200' })
  })

  it('curl over HTTP/2 is answered over HTTP/2', async () => {
    const done = await lab.run(['curl', '-sS', '--http2', '-w', '%{http_version}', url('/two')])
    expect(done.stdout).toMatch(/^GET \/two over .*\n2$/)
  })

  it('a denied request gets 403 problem+json naming rule, reason and action, and never reaches the upstream', async () => {
    const before = upstream.received.length
    const done = await lab.run(['curl', '-sS', '-X', 'DELETE', '-w', '\n%{http_code} %{content_type}', url('/users/7')])
    const [body, status] = done.stdout.split(/\n(?=\d{3} )/)
    expect(status).toBe('403 application/problem+json')
    expect(JSON.parse(body ?? '')).toMatchObject({
      status: 403,
      rule: 'no-delete',
      detail: expect.stringContaining('nothing is deleted here'),
    })
    expect(upstream.received.length).toBe(before)
    expect(last(await lab.records('--denied'), 'DELETE', '/users/7')).toMatchObject({
      decision: 'deny',
      rule: 'no-delete',
    })
  })

  it('a request whose credential has no secret is denied, recorded so, and never reaches the upstream', async () => {
    const before = upstream.received.length
    const { stdout } = await lab.run(['curl', '-sS', '-w', '%{http_code}', 'https://keyless.example.test/'])
    expect(stdout).toContain('403')
    expect(stdout).toContain('clawpatrol secret set')
    expect(upstream.received).toHaveLength(before)
    const record = (await lab.records('--endpoint', 'keyless')).at(-1)
    expect(record).toMatchObject({ decision: 'deny', decider: '(secret_missing)', status: 'denied' })
  })

  it('a body is inspected before any of it leaves', async () => {
    const before = upstream.received.length
    const send = (data: string) =>
      lab.run(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '--data-binary', data, url('/notes')])
    expect((await send('-----BEGIN PRIVATE KEY-----')).stdout).toBe('403')
    expect(upstream.received.length).toBe(before)
    expect((await send('harmless')).stdout).toBe('200')
    expect(upstream.received.at(-1)?.body).toBe('harmless')
  })

  it('a gzipped body is decoded for inspection', async () => {
    const send = (text: string) =>
      lab.run([
        'sh',
        '-c',
        `printf %s "$0" | gzip | curl -sS -o /dev/null -w '%{http_code}' -H 'content-encoding: gzip' --data-binary @- ${url('/notes')}`,
        text,
      ])
    expect((await send('-----BEGIN PRIVATE KEY-----')).stdout).toBe('403')
    expect((await send('harmless')).stdout).toBe('200')
  })

  it('a body in zstd is decoded for inspection', async () => {
    // frames as the reference encoder writes them
    const frame = (text: string) => {
      const head = Buffer.from('28b52ffd00', 'hex')
      const block = Buffer.alloc(4)
      block.writeUInt32LE(((text.length << 3) | 1) << 8)
      return Buffer.concat([head, Buffer.of(0x38), block.subarray(1), Buffer.from(text)]).toString('base64')
    }
    const send = (text: string) =>
      lab.run([
        'sh',
        '-c',
        `printf %s "$0" | base64 -d | curl -sS -o /dev/null -w '%{http_code}' -H 'content-encoding: zstd' --data-binary @- ${url('/notes')}`,
        frame(text),
      ])
    expect((await send('-----BEGIN PRIVATE KEY-----')).stdout).toBe('403')
    expect((await send('harmless')).stdout).toBe('200')
  })

  it('Node fetch works', async () => {
    const done = await lab.run([process.execPath, script('fetch.mjs'), url('/one'), url('/two')])
    expect(done.stdout).toMatch(/^200 GET \/one .*\n\n200 GET \/two .*\n\n$/)
  })

  it('Python requests works', async () => {
    const done = await lab.run(['python3', script('python_requests.py'), url('/one'), url('/two')])
    expect(done.stdout).toMatch(/^200 GET \/one .*\n200 GET \/two .*\n$/)
  })

  it('a gRPC call passes with its trailers and a denied one fails with PERMISSION_DENIED', async () => {
    const call = (method: string) => lab.run([process.execPath, script('grpc.mjs'), `${host}:443`, method, 'ping'])
    expect((await call('/demo.Ledger/Balance')).stdout).toBe('answered ping\n')
    expect((await call('/demo.Ledger/Transfer')).stdout).toMatch(/^failed 7 .*no transfers/)
  })

  it('a WebSocket passes frames both ways and its text frames are recorded', async () => {
    const done = await lab.run([process.execPath, script('websocket.mjs'), `wss://${host}/socket`])
    expect(done.stdout).toBe('text hello\ntext again\nbinary 100000\nclosed 1000\n')
    expect(last(await lab.records(), 'GET', '/socket')).toMatchObject({ decision: 'allow', status: '101' })
  })

  it('server-sent events arrive as they are sent, not at the end', async () => {
    const begun = Date.now()
    const running = lab.startRun(['curl', '-sSN', url('/events')])
    await running.saw(/data: first/, 10_000)
    const sawFirst = Date.now() - begun
    const done = await running.finished
    expect(done.stdout).toBe('data: first\n\ndata: second\n\n')
    expect(Date.now() - begun - sawFirst).toBeGreaterThan(700)
  })

  it('a download of 1 GiB arrives with an equal checksum', { timeout: 120_000 }, async () => {
    const done = await lab.run(['sh', '-c', `curl -sS ${url('/big?mib=1024')} | sha256sum`])
    expect(done.stdout.split(' ')[0]).toBe(bigChecksum(1024))
  })

  it('an upload longer than what rules can see is denied where a rule reads the body', async () => {
    const done = await lab.run([
      'sh',
      '-c',
      `head -c 67108864 /dev/zero | curl -sS -w '%{http_code}' -T - ${url('/upload')}`,
    ])
    expect(done.stdout).toMatch(/403$/)
  })

  it('an upstream that echoes the credential does not hand it to the agent', async () => {
    const done = await lab.run(['curl', '-sS', url('/echo-token')])
    expect(done.stdout).not.toContain(token)
  })

  it('a host nobody declared is refused and recorded', async () => {
    const done = await lab.run(['curl', '-sS', '--max-time', '10', 'https://elsewhere.example.test/'])
    expect(done.code).not.toBe(0)
  })
})

function last(records: readonly LabRecord[], method: string, path: string): LabRecord | undefined {
  return records.filter((record) => String(record.title).includes(method) && String(record.title).includes(path)).at(-1)
}
