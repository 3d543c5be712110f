import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeAuthority } from '../../test/support/authority.ts'
import { type Intercept, listen, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { gatewayHttp, jsonOf } from './gateway-http.ts'
import { loadIdentity } from './identity.ts'
import { type Joined, type JoinRequest, joinGateway } from './join.ts'
import { openSession } from './session.ts'
import { type Check, checkJoin } from './status.ts'
import { uninstall } from './uninstall.ts'
import { newKeyPair, publicKeyOf } from './wireguard-key.ts'

describe('joinGateway()', () => {
  it('saves an identity a run can open a session with', async () => {
    const { lab, url, dir } = await aLab()
    const shown: (string | null)[] = []
    const joined = await approvedJoin(lab, { url, dir }, (fingerprint) => shown.push(fingerprint))
    expect(joined).toMatchObject({
      gateway: url,
      deviceName: 'laptop',
      approvedBy: 'ops',
      fingerprint: lab.fingerprint,
    })
    expect(shown).toEqual([lab.fingerprint])
    const identity = loadIdentity(dir)
    const http = await gatewayHttp(identity.gateway)
    const key = newKeyPair()
    const session = await openSession(http, identity, {
      publicKey: key.publicKey,
      name: 'true',
      signal: new AbortController().signal,
    })
    expect(session.reply).toMatchObject({ address: '10.55.0.128', address6: 'fd77::80', mtu: 1420, dns: ['10.55.0.1'] })
    expect(lab.transport.table.get(key.publicKey)).toEqual(['10.55.0.128', 'fd77::80'])
    await session.close()
    expect(lab.transport.table.has(key.publicKey)).toBe(false)
    http.close()
  })

  it('gives every file its mode and keeps no other', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const modes = Object.fromEntries(
      readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]),
    )
    expect(modes).toEqual({
      'api-token': '600',
      'ca.crt': '644',
      'config.json': '600',
      gateway: '644',
      mode: '600',
      'wg.conf': '600',
    })
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    const conf = readFileSync(join(dir, 'wg.conf'), 'utf8')
    const privateKey = /PrivateKey = (\S+)/.exec(conf)?.[1] ?? ''
    expect(lab.transport.table.get(publicKeyOf(privateKey))).toEqual(['10.55.0.2', 'fd77::2'])
  })

  it('joining again keeps the device and its address, and makes the old token worthless', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const before = loadIdentity(dir)
    await approvedJoin(lab, { url, dir })
    const after = loadIdentity(dir)
    expect(after.deviceId).toBe(before.deviceId)
    expect(lab.devices.list()).toHaveLength(1)
    expect(lab.peers.listOf(lab.devices.list()[0]?.id ?? ('' as never)).map(({ address4 }) => address4)).toEqual([
      '10.55.0.2',
    ])
    const http = await gatewayHttp(after.gateway)
    const ask = (token: string) => http.ask({ method: 'GET', path: '/api/peer/self', token, timeoutMs: 5000 })
    expect((await ask(before.token)).status).toBe(401)
    expect(jsonOf(await ask(after.token))).toMatchObject({ name: 'laptop', address: '10.55.0.2' })
    http.close()
  })

  it('keeps an earlier join whole when a later one is denied', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const before = filesOf(dir)
    const denied = joinGateway({ ...aRequest(url, dir), show: ({ userCode }) => void lab.attempts.deny(userCode) })
    await expect(denied).rejects.toThrow('The operator denied this join')
    expect(filesOf(dir)).toEqual(before)
  })

  it('shows its token to nobody but the gateway that gave it', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const seen: (string | null)[] = []
    const other = await aLab((request) => {
      seen.push(request.headers.get('authorization'))
      return null
    })
    await approvedJoin(other.lab, { url: other.url, dir })
    expect(new Set(seen)).toEqual(new Set([null]))
  })

  it.each([
    ['sends no CA', '/ca.crt', () => new Response('', { status: 404 }), '/ca.crt answered 404'],
    ['sends a page', '/ca.crt', () => new Response('<html>'), 'no usable CA certificate'],
    ['sends a megabyte', '/ca.crt', () => new Response('x'.repeat(1_000_000)), 'the answer is too long'],
    [
      'says it has another CA',
      '/info',
      () => json({ service: 'clawpatrol', api: 1, ca_fingerprint: 'AA' }),
      'not its own',
    ],
    ['is of another version', '/info', () => json({ service: 'clawpatrol', api: 2, ca_fingerprint: '' }), 'version 2'],
    ['is something else', '/info', () => json({ hello: 1 }), 'no clawpatrol gateway'],
    ['is busy', '/api/onboard/start', () => json({ error: 'x' }, 429), 'too many join attempts'],
    ['answers start with nonsense', '/api/onboard/start', () => json({ user_code: 'x' }), 'answered 200'],
    ['refuses', '/api/onboard/start', () => json({ error: 'no' }, 400), 'answered no'],
    ['forgot the attempt', '/api/onboard/poll', () => json({ error: 'expired_token' }), 'ran out of time'],
    ['gave the answer to another', '/api/onboard/poll', () => json({ error: 'already_claimed' }), 'fetched already'],
    ['fails', '/api/onboard/poll', () => json({ error: 'server_error', detail: 'full' }), 'server_error (full)'],
    ['makes words up', '/api/onboard/poll', () => json({ error: 'do_a_dance' }), 'answered do_a_dance'],
  ])('refuses a gateway that %s and writes nothing', async (_what, path, reply, message) => {
    const { url, dir } = await aLab((request) => (new URL(request.url).pathname === path ? reply() : null))
    await expect(joinGateway(aRequest(url, dir))).rejects.toMatchObject({
      code: 'CP_ONBOARD',
      message: expect.stringContaining(message),
    })
    expect(readdirSync(dir)).toEqual([])
  })

  it.each([
    ['PostUp = id', '[Peer]'],
    ['PreUp = id\n', '[Peer]'],
    ['PrivateKey = x', 'PrivateKey ='],
  ])('refuses a configuration with %s in it', async (line, before) => {
    const { lab, url, dir } = await aLab(async (request) => {
      if (!request.url.endsWith('/api/onboard/poll')) return null
      const reply = await lab.app.fetch(request, { source: '127.0.0.1', reach: 'direct', node: null })
      return new Response(
        (await reply.text()).replace(before, JSON.stringify(`${line}\n${before}`).slice(1, -1)),
        reply,
      )
    })
    await expect(approvedJoin(lab, { url, dir })).rejects.toThrow('unexpected')
    expect(readdirSync(dir)).toEqual([])
  })

  it('refuses plain http to a public address, and to a gateway that cannot prove itself over TLS', async () => {
    const { lab, dir } = await aLab()
    await expect(joinGateway(aRequest('http://192.0.2.1:8080', dir))).rejects.toThrow('is not a private address')
    const plain = createServer((request, response) => {
      void (async () => {
        const reply = await lab.app.request(
          request.url ?? '/',
          {},
          { source: '127.0.0.1', reach: 'direct', node: null },
        )
        response.writeHead(reply.status).end(await reply.text())
      })()
    })
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void plain.close())
    const { port } = plain.address() as AddressInfo
    const request = aRequest(`http://127.0.0.1:${port}`, dir)
    await expect(joinGateway(request)).rejects.toThrow('cannot prove itself with its own CA over TLS')
    await expect(joinGateway({ ...request, insecureHttp: true })).rejects.toThrow('Cannot join')
  })

  it('refuses https whose certificate is of neither a public authority nor the CA it sends', async () => {
    const stranger = mkdtempSync(join(tmpdir(), 'clawpatrol-stranger-'))
    onTestFinished(() => rmSync(stranger, { recursive: true }))
    const { ca } = makeAuthority(stranger, ['gateway.clawpatrol.internal'])
    const { url, dir } = await aLab((request) => (request.url.endsWith('/ca.crt') ? new Response(ca) : null))
    const tls = joinGateway(aRequest(url.replace('http:', 'https:'), dir))
    await expect(tls).rejects.toThrow('cannot prove itself with its own CA over TLS')
  })

  it('joins over https with a certificate of its own CA', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url: url.replace('http:', 'https:'), dir })
    expect(loadIdentity(dir).gateway).toMatchObject({ trust: 'pinned', url: url.replace('http:', 'https:') })
  })

  it('names what is wrong before anything is asked', async () => {
    const { url, dir } = await aLab()
    await expect(joinGateway({ ...aRequest(url, dir), hostname: 'a b' })).rejects.toThrow('"a b" as a host name')
    await expect(joinGateway(aRequest('http://127.0.0.1:9', dir))).rejects.toThrow('nothing listens there')
    await expect(joinGateway(aRequest(url, '/proc/clawpatrol'))).rejects.toThrow('Cannot write to "/proc/clawpatrol"')
  })
})

describe('checkJoin()', () => {
  it('finds everything right after a join', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const checks = await checkJoin(dir)
    expect(checks.map(({ name, isRight }) => [name, isRight])).toEqual([
      ['joined', true],
      ['files', true],
      ['CA', true],
      ['gateway', true],
      ['device', true],
    ])
    expect(checks.at(-1)?.detail).toBe('approved, profile (default), address 10.55.0.2')
  })

  it('finds what is wrong, and says what to do', async () => {
    const { lab, url, dir, close } = await aLab()
    expect(last(await checkJoin(dir))).toEqual(['joined', false, expect.stringContaining('"'.concat(dir))])
    await approvedJoin(lab, { url, dir })
    const { deviceId } = loadIdentity(dir)
    await lab.registry.block(deviceId as never)
    expect(last(await checkJoin(dir))).toEqual(['device', false, 'The gateway has blocked this device'])
    await lab.registry.leave(deviceId as never)
    expect(last(await checkJoin(dir))).toEqual(['device', false, 'The gateway does not know this device any more'])
    await close()
    expect(last(await checkJoin(dir))).toEqual(['gateway', false, expect.stringContaining('nothing listens there')])
    chmodSync(join(dir, 'api-token'), 0o644)
    expect((await checkJoin(dir))[1]).toMatchObject({ name: 'files', isRight: false })
    writeFileSync(join(dir, 'ca.crt'), 'x')
    expect(last(await checkJoin(dir))).toEqual(['CA', false, expect.stringContaining('is no certificate')])
  })
})

describe('uninstall()', () => {
  it('takes the device off the gateway', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const steps = await uninstall({ dir, keepCa: false, keepConf: false })
    expect(steps.filter(({ failure }) => failure !== null)).toEqual([])
    expect([lab.devices.list(), lab.transport.table.size, existsSync(dir)]).toEqual([[], 0, false])
  })
})

describe('openSession()', () => {
  it.each([
    ['nonsense', () => json({ id: 1 })],
    ['a tiny mtu', () => json({ ...aSession, mtu: 100 })],
    ['no dns list', () => json({ ...aSession, dns: 'x' })],
    ['no JSON', () => new Response('x')],
  ])('refuses a session that is %s', async (_what, reply) => {
    const { lab, url, dir } = await aLab((request) => (request.url.endsWith('/api/sessions') ? reply() : null))
    await approvedJoin(lab, { url, dir })
    await expect(openRun(dir)).rejects.toThrow('The gateway refused: status 200')
  })

  it('drops variables that are none', async () => {
    const good = { name: 'A', value: 'v', description: 'd', plugin_type: 't' }
    const vars = [
      good,
      { name: 'A B', value: 'v' },
      { name: 'B' },
      null,
      { name: 'C', value: 'a\0b' },
      { name: '', value: '' },
    ]
    const { lab, url, dir } = await aLab((request) =>
      request.url.endsWith('/api/sessions') ? json({ ...aSession, vars }) : null,
    )
    await approvedJoin(lab, { url, dir })
    expect((await openRun(dir)).reply.vars).toEqual([good])
  })

  it('stops waiting when it is interrupted', async () => {
    const stop = new AbortController()
    const { lab, url, dir } = await aLab((request) => {
      if (!request.url.endsWith('/api/sessions')) return null
      stop.abort()
      return new Promise(() => undefined)
    })
    await approvedJoin(lab, { url, dir })
    await expect(openRun(dir, stop.signal)).rejects.toThrow('interrupted')
  })
})

const aSession = {
  id: 'r',
  address: '10.55.0.128',
  address6: 'fd77::80',
  server_public_key: 'k',
  endpoint: '127.0.0.1:1',
  mtu: 1420,
  dns: ['10.55.0.1'],
  keepalive: 25,
  expires_in: 600,
  vars: [],
}

async function openRun(dir: string, signal = new AbortController().signal) {
  const identity = loadIdentity(dir)
  const http = await gatewayHttp(identity.gateway)
  onTestFinished(() => http.close())
  return await openSession(http, identity, { publicKey: newKeyPair().publicKey, name: 'x', signal })
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status })
}

function last(checks: readonly Check[]): readonly unknown[] {
  const check = checks.at(-1)
  return [check?.name, check?.isRight, check?.detail]
}

function filesOf(dir: string): Record<string, string> {
  return Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]))
}

function aRequest(url: string, dir: string): JoinRequest {
  return { url, dir, hostname: 'laptop', profile: null, transport: null, insecureHttp: false, show: () => undefined }
}

async function aLab(intercept: Intercept = () => null) {
  const lab = onboardLab()
  const listener = await listen(lab, intercept)
  const home = mkdtempSync(join(tmpdir(), 'clawpatrol-home-'))
  const close = () => listener[Symbol.asyncDispose]()
  onTestFinished(async () => {
    await close()
    await lab[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })
  const dir = join(home, '.clawpatrol')
  mkdirSync(dir, { mode: 0o755 })
  return { lab, url: `http://127.0.0.1:${listener.port}`, dir, close }
}

function approvedJoin(
  lab: OnboardLab,
  request: Pick<JoinRequest, 'url' | 'dir'>,
  shown: (fingerprint: string | null) => void = () => undefined,
): Promise<Joined> {
  return joinGateway({
    ...aRequest(request.url, request.dir),
    show: ({ userCode, fingerprint }) => {
      shown(fingerprint)
      void lab.attempts.approve(userCode, { profile: null, approvedBy: 'ops' })
    },
  })
}
