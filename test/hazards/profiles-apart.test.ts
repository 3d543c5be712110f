import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { makeAuthority } from '../support/authority.ts'
import { type EchoUpstream, startEchoUpstream } from '../support/echo-upstream.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { foundIn } from '../support/traces.ts'

const secrets = { a: 'canary-of-profile-a-3f60', b: 'canary-of-profile-b-91cd' }
/** An address only profile b claims; nobody has it. */
const literal = '198.51.100.80'

describe('P4: an agent of one profile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-apart-'))
  let upstream: EchoUpstream
  let lab: Lab
  let a: Agent
  let b: Agent
  let addressOfB = ''

  beforeAll(async () => {
    const authority = makeAuthority(folder, ['a.example.test', 'b.example.test', literal])
    upstream = await startEchoUpstream(authority)
    lab = await startLab({
      names: ['a.example.test'],
      profile: 'a',
      secrets: { 'token-a': secrets.a, 'token-b': secrets.b },
      policy: () => policy(upstream.port, authority.caFile),
    })
    a = await startAgent(lab)
    b = await startAgent(await lab.device('machine-b', 'b'))
    addressOfB = (await b.sh('getent ahostsv4 b.example.test')).stdout.split(/\s/)[0] ?? ''
  })

  afterAll(async () => {
    await a?.[Symbol.asyncDispose]()
    await b?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const curl = async (agent: Agent, ...words: string[]) => {
    const report = ['-o', '/dev/null', '-w', '%{http_code}']
    return (await agent.run(['curl', '-sS', '--max-time', '10', ...report, ...words])).stdout
  }

  it('reaches its own endpoint with its own credential', async () => {
    upstream.seen.length = 0
    expect(await curl(a, 'https://a.example.test/echo')).toBe('200')
    expect(await curl(b, 'https://b.example.test/echo')).toBe('200')
    expect(await curl(b, `https://${literal}/echo`)).toBe('200')
    expect(upstream.seen).toEqual([`Bearer ${secrets.a}`, `Bearer ${secrets.b}`, `Bearer ${secrets.b}`])
  })

  it('does not learn that the name of another exists', async () => {
    expect(await a.sh('getent ahosts b.example.test')).toMatchObject({ code: 2, stdout: '' })
    expect(addressOfB).toMatch(/^10\.78\./)
  })

  it.each([
    [
      'the virtual address of the other',
      () => ['--resolve', `b.example.test:443:${addressOfB}`, 'https://b.example.test/'],
    ],
    [
      'that address with its own name',
      () => ['--resolve', `a.example.test:443:${addressOfB}`, 'https://a.example.test/'],
    ],
    ['that address alone', () => ['-k', `https://${addressOfB}/`]],
    ['the literal address of the other', () => ['-k', `https://${literal}/`]],
    [
      'the name of the other in the ClientHello',
      () => ['-k', '--connect-to', 'b.example.test:443:a.example.test:443', 'https://b.example.test/'],
    ],
    [
      'the name of the other at an address of nobody',
      () => ['-k', '--resolve', 'b.example.test:443:198.51.100.81', 'https://b.example.test/'],
    ],
  ])('gets no connection by %s', async (_way, words) => {
    upstream.seen.length = 0
    expect(await curl(a, ...words())).toBe('000')
    expect(upstream.seen).toEqual([])
  })

  it.each([
    ['HTTP/1.1', '--http1.1'],
    ['HTTP/2', '--http2'],
  ])('cannot name the other in Host over its own connection, %s', async (_version, flag) => {
    upstream.seen.length = 0
    const status = await curl(a, flag, '-H', 'Host: b.example.test', 'https://a.example.test/echo')
    expect(status).toMatch(/^(400|403|421)$/)
    expect(upstream.seen).toEqual([])
  })

  it('is not given the credential of the other for its placeholder', async () => {
    upstream.seen.length = 0
    await curl(a, '-H', 'Authorization: Bearer PH_of_b', 'https://a.example.test/echo')
    expect(foundIn(upstream.seen.join('\n'), [secrets.b])).toEqual([])
    const { stdout } = await a.run(['env'])
    expect(stdout).not.toContain('PH_of_b')
  })

  it('is on record alone under its own device', async () => {
    const own = await lab.records('--device', 'lab')
    const other = await lab.records('--device', 'machine-b')
    expect(new Set(own.map(({ device, profile }) => `${device} ${profile}`))).toEqual(new Set(['lab a']))
    expect(new Set(other.map(({ device, profile }) => `${device} ${profile}`))).toEqual(new Set(['machine-b b']))
  })
})

function policy(port: number, caFile: string): string {
  const upstream = `upstream = "127.0.0.1:${port}"\n  ca_cert  = "<<file:${caFile}>>"`
  return `
defaults {
  unknown_host = "deny"
}
endpoint "https" "api-a" {
  hosts    = ["a.example.test"]
  ${upstream}
}
endpoint "https" "api-b" {
  hosts    = ["b.example.test", "${literal}"]
  ${upstream}
}
credential "bearer_token" "token-a" {
  endpoint = https.api-a
}
credential "bearer_token" "token-b" {
  endpoint    = https.api-b
  placeholder = "PH_of_b"
}
profile "a" {
  credentials = [bearer_token.token-a]
}
profile "b" {
  credentials = [bearer_token.token-b]
}
`
}
