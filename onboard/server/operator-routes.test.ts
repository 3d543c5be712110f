import { describe, expect, it, onTestFinished } from 'vitest'
import { beginJoin, joinedDevice, pollJoin } from '../../test/support/joining.ts'
import {
  aNode,
  aPersonsNode,
  fromNode,
  type OnboardLab,
  type OnboardLabOptions,
  onboardLab,
} from '../../test/support/onboarding.ts'
import type { ProfileName } from '../../workers/contract/ids.ts'
import type { TailnetNodeFacts } from './ports.ts'

const ops = aPersonsNode(1)

describe('an operator in the tailnet', () => {
  it('looks at a join', async () => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab, { body: { profile: 'coder', whole_machine: '1' } })
    const reply = await ask(lab, ops, 'GET', `/api/onboard/lookup?code=${userCode.toLowerCase()}`)
    expect([reply.status, await reply.json()]).toEqual([
      200,
      {
        user_code: userCode,
        approved: false,
        state: 'pending',
        created_at: Math.floor(lab.clock.now / 1000),
        hostname: 'laptop',
        source: '192.0.2.7',
        transport: 'tailscale',
        whole_machine: true,
        rejoins: null,
        ca_fingerprint: lab.fingerprint,
        profiles: ['default', 'coder'],
        suggested_profile: 'coder',
      },
    ])
  })

  it.each([
    ['one that is there', 'coder', ['default', 'coder'], 'coder'],
    ['one that is not', 'root', ['coder', 'default'], 'default'],
    ['none, without a default', undefined, ['coder', 'other'], 'coder'],
    ['none, without profiles', undefined, [], ''],
  ])('is told what fits a wish for %s', async (_what, profile, profiles, expected) => {
    const lab = aLab({ profiles })
    const { userCode } = await beginJoin(lab, { body: profile === undefined ? {} : { profile } })
    const reply = await ask(lab, ops, 'GET', `/api/onboard/lookup?code=${userCode}`)
    expect(await reply.json()).toMatchObject({ suggested_profile: expected })
  })

  it('approves in its own name, with the profile it chose, and again without effect', async () => {
    const lab = aLab()
    const join = await beginJoin(lab)
    const path = `/api/onboard/approve?code=${join.userCode}&profile=coder`
    const approved = await ask(lab, ops, 'POST', path)
    expect([approved.status, await approved.json()]).toEqual([200, { approved: true, profile: 'coder' }])
    expect(await (await ask(lab, ops, 'POST', path)).json()).toEqual({ already: true, profile: 'coder' })
    expect(await pollJoin(lab, join)).toMatchObject({ approved_by: 'ops@example.com' })
    expect(lab.devices.list()).toMatchObject([{ approvedBy: 'ops@example.com', profile: 'coder' }])
    const after = await ask(lab, ops, 'GET', `/api/onboard/lookup?code=${join.userCode}`)
    expect(await after.json()).toMatchObject({ approved: true, suggested_profile: 'coder' })
  })

  it.each(['', '&profile='])('gives what a look-up suggests when it names no profile (%j)', async (more) => {
    const lab = aLab()
    const join = await beginJoin(lab)
    const reply = await ask(lab, ops, 'POST', `/api/onboard/approve?code=${join.userCode}${more}`)
    expect(await reply.json()).toEqual({ approved: true, profile: 'default' })
    expect(lab.devices.list()).toMatchObject([{ profile: 'default' }])
  })

  it('leaves a device that joins again the profile it has', async () => {
    const lab = aLab()
    const { token, device } = await joinedDevice(lab)
    lab.registry.setProfile(device, 'coder' as ProfileName)
    const { userCode } = await beginJoin(lab, { token })
    const seen = await ask(lab, ops, 'GET', `/api/onboard/lookup?code=${userCode}`)
    expect(await seen.json()).toMatchObject({ rejoins: 'laptop', suggested_profile: '' })
    const reply = await ask(lab, ops, 'POST', `/api/onboard/approve?code=${userCode}`)
    expect(await reply.json()).toEqual({ approved: true, profile: '' })
    expect(lab.devices.list()).toMatchObject([{ id: device, profile: 'coder' }])
  })

  it('denies', async () => {
    const lab = aLab()
    const join = await beginJoin(lab)
    const reply = await ask(lab, ops, 'POST', `/api/onboard/deny?code=${join.userCode}`)
    expect([reply.status, await reply.json()]).toEqual([200, { denied: true }])
    expect(await pollJoin(lab, join)).toEqual({ error: 'access_denied' })
    const late = await ask(lab, ops, 'POST', `/api/onboard/approve?code=${join.userCode}`)
    expect([late.status, await late.json()]).toEqual([409, { error: expect.stringContaining('it was denied') }])
  })

  it('is told about unknown codes and profiles, and why a device cannot be let in', async () => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab)
    for (const [method, what] of routes) {
      const unknown = await ask(lab, ops, method, `/api/onboard/${what}?code=AAAA-2222`)
      expect([unknown.status, await unknown.json()]).toEqual([404, { error: 'unknown or expired code' }])
      expect((await ask(lab, ops, method, `/api/onboard/${what}`)).status).toBe(400)
      expect((await ask(lab, ops, method, `/api/onboard/${what}?code=${userCode}&code=x`)).status).toBe(400)
    }
    const root = await ask(lab, ops, 'POST', `/api/onboard/approve?code=${userCode}&profile=root`)
    expect([root.status, await root.json()]).toEqual([400, { error: 'unknown profile "root"' }])
    expect(lab.attempts.pending()).toMatchObject([{ state: 'pending' }])
    lab.tailnet.api.failure = 'tailscale oauth 401: no'
    const failed = await ask(lab, ops, 'POST', `/api/onboard/approve?code=${userCode}`)
    expect([failed.status, await failed.json()]).toEqual([409, { error: 'tailscale oauth 401: no' }])
  })

  it.each([
    ['somebody else', aPersonsNode(2, 'eve@example.com')],
    ['a tagged node', aNode(3)],
    ['a tagged node with an operator as its owner', aNode(4, { user: 'ops@example.com' })],
    ['a node without an owner', aNode(5, { tags: [] })],
  ])('is not %s', async (_what, node) => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab)
    for (const [method, what] of routes) {
      const reply = await ask(lab, node, method, `/api/onboard/${what}?code=${userCode}`)
      expect([reply.status, await reply.json()]).toEqual([
        403,
        { error: 'approval requires an authenticated operator' },
      ])
    }
    expect(lab.attempts.pending()).toMatchObject([{ state: 'pending' }])
  })

  it('is nobody without a list of operators', async () => {
    const lab = aLab({ operators: [] })
    const { userCode } = await beginJoin(lab)
    expect((await ask(lab, ops, 'GET', `/api/onboard/lookup?code=${userCode}`)).status).toBe(403)
  })

  it.each([
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['origin', 'http://100.64.0.1:8080'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
  ])('does not decide by a web page (%s: %s)', async (name, value) => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab)
    for (const [method, what] of routes) {
      const reply = await ask(lab, ops, method, `/api/onboard/${what}?code=${userCode}`, { [name]: value })
      expect(reply.status).toBe(403)
    }
    expect(lab.attempts.pending()).toMatchObject([{ state: 'pending' }])
  })

  it('may guess five codes, then one every ten seconds', async () => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab)
    const look = async (code: string, node = ops) =>
      (await ask(lab, node, 'GET', `/api/onboard/lookup?code=${code}`)).status
    for (let count = 0; count < 5; count++) expect(await look('AAAA-2222')).toBe(404)
    // also the right one: a guess is not told from knowledge
    expect(await look(userCode)).toBe(429)
    expect(await look(userCode, aPersonsNode(7))).toBe(200)
    lab.clock.now += 10_000
    expect(await look('AAAA-2223')).toBe(404)
    expect(await look(userCode)).toBe(429)
    lab.clock.now += 10_000
    expect(await look(userCode)).toBe(200)
  })

  it('may ask thirty times a minute', async () => {
    const lab = aLab()
    const { userCode } = await beginJoin(lab)
    const path = `/api/onboard/lookup?code=${userCode}`
    const statuses: number[] = []
    for (let count = 0; count < 31; count++) statuses.push((await ask(lab, ops, 'GET', path)).status)
    expect(statuses).toEqual([...Array<number>(30).fill(200), 429])
  })
})

const routes = [
  ['GET', 'lookup'],
  ['POST', 'approve'],
  ['POST', 'deny'],
] as const

async function ask(
  lab: OnboardLab,
  node: TailnetNodeFacts,
  method: 'GET' | 'POST',
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await lab.app.request(path, { method, headers }, fromNode(node))
}

function aLab(options: OnboardLabOptions = {}): OnboardLab {
  const lab = onboardLab({ transports: ['tailscale'], ...options })
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}
