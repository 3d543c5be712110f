import { describe, expect, it, onTestFinished } from 'vitest'
import { aNonce, directly, type OnboardLab, type OnboardLabOptions, onboardLab } from '../../test/support/onboarding.ts'
import { newKeyPair } from '../client/wireguard-key.ts'

const source = '192.0.2.7'

describe('the public routes', () => {
  it('hand out the CA and the facts of the gateway', async () => {
    const lab = aLab()
    const ca = await lab.app.request('/ca.crt', {}, directly(source))
    expect([ca.status, ca.headers.get('content-type'), await ca.text()]).toEqual([
      200,
      'application/x-pem-file',
      lab.authority.ca,
    ])
    const info = await lab.app.request('/info', {}, directly(source))
    expect(await info.json()).toEqual({ service: 'clawpatrol', api: 1, ca_fingerprint: lab.fingerprint })
  })

  it('answer any other path, in whatever spelling, with one and the same 404', async () => {
    const lab = aLab()
    const paths = [
      '/',
      '/nothing',
      '/api',
      '/api/onboard',
      '/api/onboard/start/',
      '/api/onboard/approve',
      '/api/onboard/lookup',
      '/api//onboard/start',
      '/api/onboard/%73tart',
      '/api/onboard/star%74',
      '/api%2fonboard%2fstart',
      '/API/onboard/start',
      '/api/onboard/start;x=1',
      '/ca.crt/',
      '/%63a.crt',
      '/info%00',
      '/dashboard',
      '/api/joins',
      '/admin',
      '/joins',
      '/devices',
      '/.env',
    ]
    const seen = new Set<string>()
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        const reply = await lab.app.request(`http://gateway${path}`, { method }, directly(source))
        seen.add(JSON.stringify([reply.status, await reply.text(), [...reply.headers]]))
      }
    }
    expect(seen.size).toBe(1)
    expect([...seen][0]).toContain('[404,')
  })

  it.each([
    ['/api/onboard/start', 'POST'],
    ['/api/onboard/poll', 'POST'],
    ['/api/onboard/claim', 'POST'],
    ['/ca.crt', 'GET'],
    ['/info', 'GET'],
  ])('name the one method of %s', async (path, allowed) => {
    const lab = aLab()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      if (method === allowed) continue
      const reply = await lab.app.request(path, { method }, directly(source))
      expect([reply.status, reply.headers.get('allow'), await reply.text()]).toEqual([405, allowed, allowed])
    }
  })

  it('carry security headers, also when they refuse', async () => {
    const lab = aLab()
    for (const path of ['/info', '/ca.crt', '/nothing', '/api/sessions']) {
      const { headers } = await lab.app.request(path, { method: 'GET' }, directly(source))
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('do not exist for who is inside the tunnel', async () => {
    const lab = aLab()
    for (const inside of ['10.55.0.9', '::ffff:10.55.0.9', 'fd77::9']) {
      for (const path of ['/ca.crt', '/info', '/api/onboard/start', '/api/onboard/poll', '/api/onboard/claim']) {
        for (const method of ['GET', 'POST']) {
          const reply = await lab.app.request(path, { method }, directly(inside))
          expect(reply.status).toBe(404)
        }
      }
      const own = await lab.app.request('/api/env-pushdown', {}, directly(inside))
      expect(own.status).toBe(401)
    }
  })
})

describe('POST /api/onboard/start', () => {
  it.each([
    ['no host name', { hostname: undefined }],
    ['a host name with a newline', { hostname: 'a\nb' }],
    ['a host name of 64 characters', { hostname: 'a'.repeat(64) }],
    ['markup as host name', { hostname: '<script>' }],
    ['no key', { wg_pub: undefined }],
    ['a short key', { wg_pub: 'AAAA' }],
    ['a key with bits left over', { wg_pub: `${'A'.repeat(42)}B=` }],
    ['no nonce hash', { client_nonce_hash: undefined }],
    ['an empty profile', { profile: '' }],
    ['a list as host name', { hostname: ['a'] }],
  ])('refuses %s', async (_what, wrong) => {
    const lab = aLab()
    expect((await post(lab, '/api/onboard/start', { ...aStart(), ...wrong })).status).toBe(400)
    expect(lab.attempts.pending()).toEqual([])
  })

  it('takes its words from the query too, each once', async () => {
    const lab = aLab()
    const words = new URLSearchParams({ ...aStart() })
    const reply = await lab.app.request(`/api/onboard/start?${words}`, { method: 'POST' }, directly(source))
    expect(reply.status).toBe(200)
    const twice = await lab.app.request(
      `/api/onboard/start?${words}&hostname=other`,
      { method: 'POST' },
      directly(source),
    )
    expect([twice.status, await twice.json()]).toEqual([400, { error: 'hostname is given more than once' }])
  })

  it.each([
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['null', 'null'],
  ])('refuses a body that is %s', async (_what, body) => {
    const lab = aLab()
    const headers = { 'content-type': 'application/json' }
    const reply = await lab.app.request('/api/onboard/start', { method: 'POST', headers, body }, directly(source))
    expect(reply.status).toBe(400)
  })

  it('refuses a body above 64 KiB, whether or not it says how long it is', async () => {
    const lab = aLab()
    const body = JSON.stringify({ ...aStart(), more: 'x'.repeat(70_000) })
    const headers = { 'content-type': 'application/json' }
    const said = { ...headers, 'content-length': String(body.length) }
    const length = await lab.app.request(
      '/api/onboard/start',
      { method: 'POST', headers: said, body },
      directly(source),
    )
    const stream = new Blob([body]).stream()
    const init = { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit
    const chunked = await lab.app.request('/api/onboard/start', init, directly(source))
    expect([length.status, chunked.status]).toEqual([413, 413])
  })

  it('is limited to ten in ten minutes from one address', async () => {
    const lab = aLab()
    const statuses: number[] = []
    for (let count = 0; count < 11; count++) statuses.push((await post(lab, '/api/onboard/start', aStart())).status)
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429])
    const refused = await post(lab, '/api/onboard/start', aStart())
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await post(lab, '/api/onboard/start', aStart(), '192.0.2.8')).status).toBe(200)
    lab.clock.now += 60_000
    expect((await post(lab, '/api/onboard/start', aStart())).status).toBe(200)
  })

  it('keeps at most a hundred attempts, all with codes of their own, and makes room when they end', async () => {
    const lab = aLab()
    const codes = new Set<string>()
    for (let count = 0; count < 100; count++) {
      const reply = await post(lab, '/api/onboard/start', aStart(), `198.51.100.${count}`)
      codes.add(((await reply.json()) as { user_code: string }).user_code)
    }
    expect(codes.size).toBe(100)
    const full = await post(lab, '/api/onboard/start', aStart(), '203.0.113.1')
    expect([full.status, full.headers.get('retry-after')]).toEqual([429, '60'])
    lab.clock.now += 600_000
    expect((await post(lab, '/api/onboard/start', aStart(), '203.0.113.1')).status).toBe(200)
    expect(lab.attempts.pending()).toHaveLength(1)
  })

  it('points to the page of the gateway when it has one, whatever the Host header says', async () => {
    const lab = aLab({ publicUrl: 'https://gate.example' })
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(aStart()) }
    const reply = (await (await lab.app.request('/api/onboard/start', init, directly(source))).json()) as {
      verify_url: string
      user_code: string
    }
    expect(reply.verify_url).toBe(`https://gate.example/#/onboard/${reply.user_code}`)
  })

  it('believes no header about where it comes from', async () => {
    const lab = aLab()
    const headers = { 'x-forwarded-for': '203.0.113.5', 'content-type': 'application/json' }
    await lab.app.request(
      '/api/onboard/start',
      { method: 'POST', headers, body: JSON.stringify(aStart()) },
      directly(source),
    )
    expect(lab.attempts.pending()).toMatchObject([{ source, hostname: 'laptop', state: 'pending' }])
  })
})

describe("a device's own routes", () => {
  it('open and close a peer for a run', async () => {
    const lab = aLab()
    const { token } = await aDevice(lab)
    const { publicKey } = newKeyPair()
    const opened = await asDevice(lab, token, 'POST', '/api/sessions', { pubkey: publicKey, name: 'curl' })
    const session = (await opened.json()) as { id: string }
    expect([opened.status, session]).toEqual([
      200,
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        address: '10.55.0.128',
        address6: 'fd77::80',
        server_public_key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
        endpoint: '127.0.0.1:51820',
        mtu: 1420,
        dns: ['10.55.0.1'],
        keepalive: 25,
        expires_in: 600,
        vars: [{ name: 'CLAWPATROL_DEMO', value: 'PH_coder', description: "it's a demo", plugin_type: 'bearer_token' }],
      },
    ])
    expect(lab.transport.table.get(publicKey)).toEqual(['10.55.0.128', 'fd77::80'])
    expect((await asDevice(lab, token, 'DELETE', `/api/sessions/${session.id}`)).status).toBe(204)
    expect(lab.transport.table.has(publicKey)).toBe(false)
    expect((await asDevice(lab, token, 'DELETE', `/api/sessions/${session.id}`)).status).toBe(404)
  })

  it("do not close another device's run", async () => {
    const lab = aLab()
    const one = await aDevice(lab)
    const other = await aDevice(lab)
    const opened = await asDevice(lab, one.token, 'POST', '/api/sessions', { pubkey: newKeyPair().publicKey })
    const { id } = (await opened.json()) as { id: string }
    expect((await asDevice(lab, other.token, 'DELETE', `/api/sessions/${id}`)).status).toBe(404)
    expect((await asDevice(lab, one.token, 'DELETE', `/api/sessions/${id}`)).status).toBe(204)
  })

  it('refuse a key that is in use, a device’s own included', async () => {
    const lab = aLab()
    const one = await aDevice(lab)
    const other = await aDevice(lab)
    for (const pubkey of [one.publicKey, other.publicKey]) {
      const reply = await asDevice(lab, one.token, 'POST', '/api/sessions', { pubkey })
      expect(reply.status).toBe(409)
    }
    expect(lab.transport.table.get(other.publicKey)).toEqual(['10.55.0.3', 'fd77::3'])
  })

  it('allow 64 runs at a time', async () => {
    const lab = aLab()
    const { token } = await aDevice(lab)
    const statuses = new Map<number, number>()
    for (let count = 0; count < 66; count++) {
      const { status } = await asDevice(lab, token, 'POST', '/api/sessions', { pubkey: newKeyPair().publicKey })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    expect([...statuses]).toEqual([
      [200, 64],
      [429, 2],
    ])
  })

  it('answer nobody without a token, with a wrong one, or of a blocked device', async () => {
    const lab = aLab()
    const { token, device } = await aDevice(lab)
    const routes = [
      ['POST', '/api/sessions'],
      ['DELETE', '/api/sessions/x'],
      ['GET', '/api/env-pushdown'],
      ['GET', '/api/peer/self'],
      ['DELETE', '/api/peer/self'],
    ] as const
    for (const [method, path] of routes) {
      expect((await lab.app.request(path, { method }, directly(source))).status).toBe(401)
      expect((await asDevice(lab, `${token}x`, method, path)).status).toBe(401)
      expect((await asDevice(lab, token.slice(0, -1), method, path)).status).toBe(401)
    }
    await lab.registry.block(device)
    for (const [method, path] of routes) expect((await asDevice(lab, token, method, path)).status).toBe(403)
    expect(lab.devices.list()).toHaveLength(1)
  })

  it('limit guesses at tokens', async () => {
    const lab = aLab()
    const statuses: number[] = []
    for (let count = 0; count < 31; count++)
      statuses.push((await asDevice(lab, 'a'.repeat(43), 'GET', '/api/peer/self')).status)
    expect(statuses).toEqual([...Array<number>(30).fill(401), 429])
    const { token } = await aDevice(lab)
    expect((await asDevice(lab, token, 'GET', '/api/peer/self')).status).toBe(200)
  })

  it('let a device leave: peers, token and flows go', async () => {
    const lab = aLab()
    const { token, device, publicKey } = await aDevice(lab)
    expect((await asDevice(lab, token, 'DELETE', '/api/peer/self')).status).toBe(204)
    expect(lab.transport.table.has(publicKey)).toBe(false)
    expect(lab.devices.get(device)).toBeNull()
    expect(lab.ended).toEqual([{ device, because: 'the device was deleted' }])
    expect((await asDevice(lab, token, 'GET', '/api/peer/self')).status).toBe(401)
  })
})

function aLab(options: OnboardLabOptions = {}): OnboardLab {
  const lab = onboardLab(options)
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}

function aStart(): Record<string, string> {
  return { hostname: 'laptop', wg_pub: newKeyPair().publicKey, client_nonce_hash: aNonce().hash }
}

async function post(lab: OnboardLab, path: string, body: unknown, from = source): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return await lab.app.request(path, { method: 'POST', headers, body: JSON.stringify(body) }, directly(from))
}

async function aDevice(lab: OnboardLab) {
  const { publicKey } = newKeyPair()
  const { enrolment } = await lab.registry.enrol({
    name: 'laptop',
    profile: 'coder',
    approvedBy: 'ops',
    transport: { kind: 'wireguard', publicKey, isWholeMachine: false },
    rejoinOf: null,
    source,
  })
  const { device } = enrolment
  return { device, publicKey, token: lab.registry.issueToken(device) }
}

async function asDevice(
  lab: OnboardLab,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
  return await lab.app.request(path, init, directly(source))
}
