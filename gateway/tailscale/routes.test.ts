import { describe, expect, it } from 'vitest'
import { aclAdvice } from './acl-advice.ts'
import { tailscaleApi } from './api.ts'
import { type Answer, apiServer, type Seen } from './api-server.fixture.ts'
import { type ApprovalRequest, approveRoutes } from './routes.ts'

const oauth = { clientId: 'kCLIENT', clientSecret: 'tskey-client-s3cr3t' }
const wanted = ['0.0.0.0/0', '10.1.2.3/32', '10.78.0.0/16', '::/0', 'fd78::/64']
const facts = {
  gateway: { name: 'gate', tags: ['tag:gateway'], addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'] },
  clientTags: ['tag:client', 'tag:ci'],
  port: 8080,
  funnel: true,
}
const advice = aclAdvice({ ...facts, routes: wanted })

const ask = async (answer: (seen: Seen) => Answer, more: Partial<ApprovalRequest> = {}) => {
  await using server = await apiServer((seen) => (seen.path.endsWith('/token') ? undefined : answer(seen)))
  const api = tailscaleApi({ apiUrl: server.url, oauth })
  const approval = await approveRoutes({ api, stableId: 'nGATE', wanted, approved: [], facts, ...more })
  return { approval, seen: server.seen.map(({ method, path, body }) => `${method} ${path} ${body}`.trim()) }
}
const routes = (enabledRoutes: readonly string[]): Answer => ({ json: { advertisedRoutes: wanted, enabledRoutes } })

describe('approveRoutes()', () => {
  it('has what is missing approved and keeps what somebody approved besides', async () => {
    const { approval, seen } = await ask(({ method, body }) =>
      method === 'GET' ? routes(['0.0.0.0/0', '192.168.7.0/24']) : routes(JSON.parse(body).routes),
    )
    expect(approval).toEqual({ kind: 'approved' })
    expect(seen).toEqual([
      'GET /api/v2/device/nGATE/routes',
      'POST /api/v2/device/nGATE/routes {"routes":["0.0.0.0/0","192.168.7.0/24","10.1.2.3/32","10.78.0.0/16","::/0","fd78::/64"]}',
    ])
  })

  it('changes nothing where everything is approved', async () => {
    const { approval, seen } = await ask(() => routes([...wanted].reverse()))
    expect(approval).toEqual({ kind: 'already' })
    expect(seen).toHaveLength(1)
  })

  it('says why and what to do where the client may not read or set routes', async () => {
    const because = 'tailscale routes 403: {"message":"no scope"}'
    const refused = { status: 403, text: '{"message":"no scope"}' }
    expect((await ask(() => refused)).approval).toEqual({ kind: 'refused', because, advice })
    const half = await ask(({ method }) => (method === 'GET' ? routes(['0.0.0.0/0']) : refused))
    expect(half.approval).toEqual({ kind: 'refused', because, advice })
  })

  it('is content with an approved exit node, whoever approved it and whatever the API says', async () => {
    const refused = { status: 403, text: 'no' }
    const exits = ['::/0', '0.0.0.0/0']
    expect((await ask(({ method }) => (method === 'GET' ? routes(exits) : refused))).approval.kind).toBe('already')
    expect((await ask(() => refused, { approved: exits })).approval.kind).toBe('already')
    expect((await ask(() => refused, { api: null, approved: exits })).approval.kind).toBe('already')
  })

  it('never throws: no client, nobody there, an answer that makes no sense', async () => {
    expect((await ask(() => undefined, { api: null })).approval).toEqual({
      kind: 'refused',
      because: 'tailscale oauth not configured (set tailscale.oauth_client_id/oauth_client_secret)',
      advice,
    })
    const server = await apiServer(() => undefined)
    await server[Symbol.asyncDispose]()
    const gone = tailscaleApi({ apiUrl: server.url, oauth })
    expect((await ask(() => undefined, { api: gone })).approval).toMatchObject({
      kind: 'refused',
      because: expect.stringContaining('ECONNREFUSED'),
    })
    expect((await ask(() => ({ text: 'x' }))).approval).toMatchObject({
      because: 'tailscale routes: the answer is not JSON',
    })
  })

  it('does not believe an answer that enables less than was asked for', async () => {
    expect((await ask(() => routes(['0.0.0.0/0']))).approval).toMatchObject({
      kind: 'refused',
      because: 'the API took the routes and did not enable them',
    })
  })
})

describe('aclAdvice()', () => {
  it('is what to paste, with the tags, the name and the routes of this gateway', () => {
    expect(advice).toMatchInlineSnapshot(`
      "gate may not be an exit node yet, so nothing devices send through it arrives.
      Approve its routes by hand (admin console, Machines, Edit route settings), or have it done by the access controls.
      Merge this into the access controls, then restart the gateway: routes are approved when they are announced.

      {
        "tagOwners": {
          "tag:client": ["autogroup:admin"],
          "tag:ci": ["autogroup:admin"],
          "tag:gateway": ["autogroup:admin"]
        },
        "autoApprovers": {
          "exitNode": ["tag:gateway"],
          "routes": {
            "10.1.2.3/32": ["tag:gateway"],
            "10.78.0.0/16": ["tag:gateway"],
            "fd78::/64": ["tag:gateway"]
          }
        },
        "grants": [
          { "src": ["tag:client", "tag:ci"], "dst": ["autogroup:internet"], "ip": ["*"] },
          { "src": ["tag:client", "tag:ci"], "dst": ["10.1.2.3/32", "10.78.0.0/16", "fd78::/64"], "ip": ["*"] },
          { "src": ["tag:client", "tag:ci"], "dst": ["tag:gateway"], "ip": ["tcp:53", "udp:53", "tcp:8080"] }
        ],
        "nodeAttrs": [
          { "target": ["tag:gateway"], "attr": ["funnel"] }
        ]
      }

      An OAuth client with the scopes auth_keys, devices:core and devices:routes lets the gateway approve them itself."
    `)
  })

  it('names addresses and the way by hand where the gateway has no tag', () => {
    const untagged = { ...facts, gateway: { ...facts.gateway, tags: [] }, clientTags: ['tag:client'], funnel: false }
    expect(aclAdvice({ ...untagged, routes: ['0.0.0.0/0', '::/0'] })).toMatchInlineSnapshot(`
      "gate may not be an exit node yet, so nothing devices send through it arrives.
      It has no tag: approve its routes by hand (admin console, Machines, gate, Edit route settings), or join it with a tagged key.
      Merge this into the access controls, then restart the gateway: routes are approved when they are announced.

      {
        "tagOwners": {
          "tag:client": ["autogroup:admin"]
        },
        "grants": [
          { "src": ["tag:client"], "dst": ["autogroup:internet"], "ip": ["*"] },
          { "src": ["tag:client"], "dst": ["100.64.0.1", "fd7a:115c:a1e0::1"], "ip": ["tcp:53", "udp:53", "tcp:8080"] }
        ]
      }

      An OAuth client with the scopes auth_keys, devices:core and devices:routes lets the gateway approve them itself."
    `)
  })

  it('is JSON that the access controls take', () => {
    for (const tags of [[], ['tag:gateway'], ['tag:a', 'tag:client']])
      for (const routes of [wanted, ['0.0.0.0/0', '::/0']]) {
        const text = aclAdvice({ ...facts, gateway: { ...facts.gateway, tags }, routes })
        const policy = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
        expect(policy.autoApprovers?.exitNode ?? []).toEqual(tags)
        expect(Object.keys(policy.tagOwners).sort()).toEqual([...new Set([...facts.clientTags, ...tags])].sort())
        expect(policy.grants.at(-1)).toEqual({
          src: ['tag:client', 'tag:ci'],
          dst: tags.length === 0 ? ['100.64.0.1', 'fd7a:115c:a1e0::1'] : tags,
          ip: ['tcp:53', 'udp:53', 'tcp:8080'],
        })
      }
  })
})
