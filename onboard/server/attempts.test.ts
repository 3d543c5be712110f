import { describe, expect, it, onTestFinished } from 'vitest'
import { aNonce, directly, type OnboardLab, type OnboardLabOptions, onboardLab } from '../../test/support/onboarding.ts'
import { newKeyPair } from '../client/wireguard-key.ts'

const source = '192.0.2.7'

describe('a join attempt', () => {
  it('waits for an operator, then brings a configuration and a token', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    expect(await poll(lab, join)).toEqual({ error: 'authorization_pending' })
    lab.clock.now += 3000
    const approved = await lab.attempts.approve(` ${join.userCode.toLowerCase()} `, {
      profile: null,
      approvedBy: 'ops',
    })
    expect(approved).toMatchObject({
      already: false,
      profile: null,
      enrolment: { name: 'laptop', address4: '10.55.0.2', isRejoin: false },
      join: { hostname: 'laptop', source, state: 'approved' },
    })
    const reply = await poll(lab, join)
    expect(reply).toEqual({
      auth_key: expect.stringMatching(
        /^\[Interface\]\nPrivateKey =\nAddress = 10\.55\.0\.2\/32, fd77::2\/128\n\n\[Peer\]\n/,
      ),
      login_server: 'wireguard://clawpatrol',
      api_token: expect.stringMatching(/^cpt_/),
      approved_by: 'ops',
      device_id: approved.enrolment.device,
      device_name: 'laptop',
    })
    for (const value of Object.values(reply)) expect(typeof value).toBe('string')
    expect(lab.registry.ofToken(reply.api_token ?? '')).toMatchObject({ id: approved.enrolment.device })
    expect(lab.transport.table.get(join.publicKey)).toEqual(['10.55.0.2', 'fd77::2'])
  })

  it('says slow_down to polls faster than two seconds', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await poll(lab, join)
    lab.clock.now += 1999
    expect(await poll(lab, join)).toEqual({ error: 'slow_down' })
    lab.clock.now += 2000
    expect(await poll(lab, join)).toEqual({ error: 'authorization_pending' })
  })

  it('gives its answer again for a minute, then never', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await approve(lab, join)
    const first = await poll(lab, join)
    lab.clock.now += 60_000
    expect(await poll(lab, join)).toEqual(first)
    lab.clock.now += 2001
    expect(await poll(lab, join)).toEqual({ error: 'already_claimed' })
    expect(lab.registry.ofToken(first.api_token ?? '')).not.toBeNull()
  })

  it('gives nothing again once the client has claimed it', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await approve(lab, join)
    await poll(lab, join)
    const claimed = await claim(lab, join)
    expect([claimed.status, await claimed.json()]).toEqual([200, { owner: 'ops', ip: '10.55.0.2', hostname: 'laptop' }])
    lab.clock.now += 2000
    expect(await poll(lab, join)).toEqual({ error: 'already_claimed' })
    expect((await claim(lab, join)).status).toBe(409)
  })

  it('cannot be claimed before it was fetched, or for another address', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    expect((await claim(lab, join)).status).toBe(404)
    await approve(lab, join)
    expect((await claim(lab, join)).status).toBe(404)
    await poll(lab, join)
    const other = await claim(lab, join, { ip: '10.55.0.9' })
    expect([other.status, await other.json()]).toEqual([409, { error: 'address belongs to another device' }])
    expect((await claim(lab, join, { ip: 'fd77::2' })).status).toBe(200)
  })

  it('is worthless to who has the device code without the nonce', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await approve(lab, join)
    const thief = aNonce('thief').nonce
    for (const nonce of [thief, undefined, '', [join.nonce], 'x'.repeat(43)]) {
      expect(await poll(lab, join, { nonce })).toEqual({ error: 'expired_token' })
      expect((await claim(lab, join, { nonce })).status).toBeGreaterThanOrEqual(400)
    }
    // nor did the attempts slow its owner down
    expect(await poll(lab, join)).toMatchObject({ device_name: 'laptop' })
  })

  it('answers a made-up device code like a wrong nonce', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const unknown = await poll(lab, { ...join, deviceCode: 'A'.repeat(64) })
    expect(unknown).toEqual(await poll(lab, join, { nonce: aNonce('x').nonce }))
    expect(await poll(lab, { ...join, deviceCode: '../../etc' })).toEqual({ error: 'expired_token' })
  })

  it('ends ten minutes after it began', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    lab.clock.now += 599_999
    expect(await poll(lab, join)).toEqual({ error: 'authorization_pending' })
    lab.clock.now += 2000
    expect(await poll(lab, join)).toEqual({ error: 'expired_token' })
    await expect(approve(lab, join)).rejects.toMatchObject({ code: 'CP_ONBOARD' })
  })

  it('is not prolonged by a clock that is set back', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    lab.clock.now -= 3_600_000
    expect(await poll(lab, join)).toEqual({ error: 'expired_token' })
    const other = await aJoin(lab)
    await approve(lab, other)
    await poll(lab, other)
    lab.clock.now -= 120_000
    expect(await poll(lab, other)).toEqual({ error: 'already_claimed' })
  })

  it('leaves no device behind when nobody fetched what was approved', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await approve(lab, join)
    expect(lab.devices.list()).toHaveLength(1)
    lab.clock.now += 600_000
    expect(lab.attempts.pending()).toEqual([])
    await lab.attempts[Symbol.asyncDispose]()
    expect(lab.devices.list()).toEqual([])
    expect(lab.transport.table.size).toBe(0)
  })

  it('leaves no unfetched device behind when the gateway stops', async () => {
    const lab = aLab()
    await approve(lab, await aJoin(lab))
    await lab.attempts[Symbol.asyncDispose]()
    expect([lab.devices.list(), lab.transport.table.size]).toEqual([[], 0])
  })

  it('ends when it is denied', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    expect(await lab.attempts.deny(join.userCode)).toMatchObject({ state: 'denied', hostname: 'laptop' })
    expect(await poll(lab, join)).toEqual({ error: 'access_denied' })
    await expect(approve(lab, join)).rejects.toThrow('it was denied')
    expect(lab.devices.list()).toEqual([])
  })

  it('can be denied after an approval nobody has fetched, and not later', async () => {
    const lab = aLab()
    const early = await aJoin(lab)
    await approve(lab, early)
    await lab.attempts.deny(early.userCode)
    expect([lab.devices.list(), lab.transport.table.size]).toEqual([[], 0])
    expect(await poll(lab, early)).toEqual({ error: 'access_denied' })
    const late = await aJoin(lab)
    await approve(lab, late)
    await poll(lab, late)
    await expect(lab.attempts.deny(late.userCode)).rejects.toThrow('approved already')
    expect(lab.devices.list()).toHaveLength(1)
  })

  it('is approved once, however many operators approve', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const settled = await Promise.allSettled([approve(lab, join), approve(lab, join), approve(lab, join)])
    expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await approve(lab, join)).toMatchObject({ already: true })
    expect(lab.devices.list()).toHaveLength(1)
    expect(lab.transport.table.size).toBe(1)
  })

  it('mints one token, however many polls come at once', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    await approve(lab, join)
    const replies = await Promise.all(Array.from({ length: 8 }, () => poll(lab, join)))
    expect(replies.filter((reply) => 'api_token' in reply)).toHaveLength(1)
    expect(replies.filter(({ error }) => error === 'slow_down')).toHaveLength(7)
  })

  it('tells a waiting poll at once', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const waiting = poll(lab, join, { wait_s: 20 })
    await settledTurns()
    await approve(lab, join)
    expect(await waiting).toMatchObject({ device_name: 'laptop' })
    const other = await aJoin(lab)
    const refused = poll(lab, other, { wait_s: 20 })
    await settledTurns()
    await lab.attempts.deny(other.userCode)
    expect(await refused).toEqual({ error: 'access_denied' })
  })

  it('lets the newest poll wait and answers the one before', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const first = poll(lab, join, { wait_s: 20 })
    await settledTurns()
    lab.clock.now += 3000
    const second = poll(lab, join, { wait_s: 20 })
    expect(await first).toEqual({ error: 'authorization_pending' })
    await approve(lab, join)
    expect(await second).toMatchObject({ device_name: 'laptop' })
  })

  it('answers waiting polls when the gateway stops', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const waiting = poll(lab, join, { wait_s: 20 })
    await settledTurns()
    await lab.attempts[Symbol.asyncDispose]()
    expect(await waiting).toEqual({ error: 'expired_token' })
  })

  it('says server_error when no address is free, and tells the operator why', async () => {
    const lab = aLab({ subnetCidr: '10.55.0.0/30' })
    await poll(lab, await approved(lab))
    const join = await aJoin(lab)
    await expect(approve(lab, join)).rejects.toThrow('no address is free')
    expect(await poll(lab, join)).toEqual({
      error: 'server_error',
      detail: 'Cannot add a WireGuard peer: no address is free in 10.55.0.0/30',
    })
    expect(lab.devices.list()).toHaveLength(1)
  })

  it("refuses a key that is another device's", async () => {
    const lab = aLab()
    const first = await approved(lab)
    await poll(lab, first)
    const join = await aJoin(lab, { wg_pub: first.publicKey })
    await expect(approve(lab, join)).rejects.toThrow('in use by another device')
    expect(lab.transport.table.get(first.publicKey)).toEqual(['10.55.0.2', 'fd77::2'])
    expect(lab.devices.list()).toHaveLength(1)
  })
})

describe('the profile of a join', () => {
  it.each([
    ['the one the operator chose', 'default', 'coder', 'default'],
    ['the suggested one', null, 'coder', 'coder'],
    ['the default when the suggestion is unknown', null, 'root', null],
    ['the default when nobody says anything', null, undefined, null],
  ])('is %s', async (_what, chosen, suggested, expected) => {
    const lab = aLab()
    const join = await aJoin(lab, suggested === undefined ? {} : { profile: suggested })
    const { profile, enrolment } = await lab.attempts.approve(join.userCode, { profile: chosen, approvedBy: 'ops' })
    expect([profile, lab.devices.get(enrolment.device)?.profile]).toEqual([expected, expected])
  })

  it('must be one of the policy; a wrong one leaves the join pending', async () => {
    const lab = aLab()
    const join = await aJoin(lab)
    const wrong = lab.attempts.approve(join.userCode, { profile: 'root', approvedBy: 'ops' })
    await expect(wrong).rejects.toThrow('Unknown profile "root"')
    expect(await poll(lab, join)).toEqual({ error: 'authorization_pending' })
  })
})

describe('joining again', () => {
  it('with the token of a device is that device; without it is another', async () => {
    const lab = aLab()
    const first = await approved(lab)
    const { api_token: token = '', device_id: device } = await poll(lab, first)
    const again = await aJoin(lab, {}, token)
    expect(lab.attempts.pending().map(({ rejoins }) => rejoins)).toEqual([null, 'laptop'])
    const { enrolment } = await approve(lab, again)
    expect(enrolment).toMatchObject({ device, isRejoin: true, address4: '10.55.0.2' })
    expect([...lab.transport.table]).toEqual([[again.publicKey, ['10.55.0.2', 'fd77::2']]])
    const { enrolment: other } = await approve(lab, await aJoin(lab))
    expect(other).toMatchObject({ isRejoin: false, address4: '10.55.0.3' })
  })

  it('keeps the old token until the new one is fetched', async () => {
    const lab = aLab()
    const first = await approved(lab)
    const { api_token: token = '' } = await poll(lab, first)
    const again = await aJoin(lab, {}, token)
    await approve(lab, again)
    expect(lab.registry.ofToken(token)).not.toBeNull()
    const { api_token: next = '' } = await poll(lab, again)
    expect([lab.registry.ofToken(token), lab.registry.ofToken(next)?.name]).toEqual([null, 'laptop'])
  })

  it('is refused to a blocked device', async () => {
    const lab = aLab()
    const first = await approved(lab)
    const { api_token: token = '', device_id: device } = await poll(lab, first)
    const again = await aJoin(lab, {}, token)
    await lab.registry.block(device as never)
    await expect(approve(lab, again)).rejects.toThrow('is blocked')
    expect(lab.transport.table.size).toBe(0)
  })
})

interface Join {
  readonly deviceCode: string
  readonly userCode: string
  readonly nonce: string
  readonly publicKey: string
}

function aLab(options: OnboardLabOptions = {}): OnboardLab {
  const lab = onboardLab(options)
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}

async function aJoin(lab: OnboardLab, more: Record<string, string> = {}, token?: string): Promise<Join> {
  const { nonce, hash } = aNonce()
  const { publicKey } = newKeyPair()
  const body = { hostname: 'laptop', wg_pub: publicKey, client_nonce_hash: hash, ...more }
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const reply = await send(lab, '/api/onboard/start', body, headers)
  const start = (await reply.json()) as { device_code: string; user_code: string }
  return { deviceCode: start.device_code, userCode: start.user_code, nonce, publicKey }
}

async function approved(lab: OnboardLab): Promise<Join> {
  const join = await aJoin(lab)
  await approve(lab, join)
  return join
}

function approve(lab: OnboardLab, join: Join) {
  return lab.attempts.approve(join.userCode, { profile: null, approvedBy: 'ops' })
}

async function poll(
  lab: OnboardLab,
  { deviceCode, nonce }: Join,
  more: { readonly nonce?: unknown; readonly wait_s?: number } = {},
): Promise<Record<string, string>> {
  const reply = await send(lab, '/api/onboard/poll', { device_code: deviceCode, nonce, ...more })
  expect(reply.status).toBe(200)
  return (await reply.json()) as Record<string, string>
}

function claim(lab: OnboardLab, { deviceCode, nonce }: Join, more: object = {}): Promise<Response> {
  return send(lab, '/api/onboard/claim', { device_code: deviceCode, nonce, ...more })
}

async function send(lab: OnboardLab, path: string, body: object, headers: object = {}): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
  return await lab.app.request(path, init, directly(source))
}

/** Lets requests that were sent get as far as they get by themselves. */
function settledTurns(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
