import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aNode, aPersonsNode, directly, fromNode, onboardLab, throughFunnel } from '../../test/support/onboarding.ts'
import { newKeyPair } from '../client/wireguard-key.ts'
import { joinPaths } from './join-routes.ts'

const nodes = [aNode(1), aNode(2, { tags: [] }), aPersonsNode(3), aPersonsNode(4, 'eve@example.com')].map(fromNode)

const paths = [
  '/api/onboard/start',
  '/api/onboard/poll',
  '/api/onboard/claim',
  '/api/sessions',
  '/api/sessions/x',
  '/api/env-pushdown',
  '/api/peer/self',
  '/api/peer/tsnet/register',
  '/api/peer/tsnet/rotate-key',
  '/api/onboard/lookup',
  '/api/onboard/approve',
  '/api/onboard/deny',
  '/info',
  '/ca.crt',
]
const names = [
  'hostname',
  'wg_pub',
  'client_nonce_hash',
  'profile',
  'device_code',
  'nonce',
  'wait_s',
  'ip',
  'pubkey',
  'name',
  'transport',
  'whole_machine',
  'run_id',
  'code',
  'stableId',
]

describe('the public app', () => {
  it('answers any request with a refusal it meant, and lets nobody in', async () => {
    const lab = onboardLab({ transports: ['wireguard', 'tailscale'] })
    onTestFinished(() => lab[Symbol.asyncDispose]())
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom('a', '__proto__', 'A'.repeat(43), 'A'.repeat(64), newKeyPair().publicKey, '192.0.2.1'),
      fc.constantFrom('tailscale', 'wireguard', '1', '0', '', 'ABCD-2345', '100.64.1.1', randomUUID()),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const words = fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), value, { maxKeys: 6 })
    const body = fc.oneof(
      words.map((given) => JSON.stringify(given)),
      fc.json(),
      fc.string({ unit: 'binary' }),
    )
    const request = fc.record({
      path: fc.constantFrom(...paths),
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'HEAD'),
      body,
      query: fc.string({ maxLength: 60 }),
      authorization: fc.oneof(
        fc.constantFrom('', 'Bearer', 'Bearer x', `Bearer ${'a'.repeat(43)}`, `bearer ${'a'.repeat(43)}`),
        fc.stringMatching(/^[ -~]{0,60}$/),
      ),
      origin: fc.oneof(fc.ipV4().map(directly), fc.ipV4().map(throughFunnel), fc.constantFrom(...nodes)),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, body: text, query, authorization, origin }) => {
        const url = `http://g${path}?${new URLSearchParams(query)}`
        const headers = { 'content-type': 'application/json', authorization }
        const init = method === 'GET' || method === 'HEAD' ? { method, headers } : { method, headers, body: text }
        for (const app of [lab.app, lab.funnelApp]) {
          const { status } = await app.request(url, init, origin)
          expect([200, 400, 401, 403, 404, 405, 413, 429]).toContain(status)
        }
      }),
      { numRuns: 600 },
    )
    expect([lab.devices.list(), lab.peers.list(), lab.transport.table.size]).toEqual([[], [], 0])
    expect([lab.tailnet.nodes.list(), lab.tailnet.api.keys.size]).toEqual([[], 0])
  })

  it('shows the internet nothing but three paths, however any other is spelled', async () => {
    const lab = onboardLab({ transports: ['wireguard', 'tailscale'] })
    onTestFinished(() => lab[Symbol.asyncDispose]())
    const piece = fc.oneof(
      fc.constantFrom('api', 'onboard', 'start', 'approve', 'peer', 'self', 'info', 'ca.crt', 'cred', 'hitl', 'status'),
      fc.constantFrom('', '.', '..', '%2e', '%2f', '%00', ';', 'operations', '%61pi', 'API'),
      fc.webSegment(),
    )
    const path = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join('/')}`)
    const method = fc.constantFrom('GET', 'POST', 'DELETE', 'OPTIONS')
    const answer = async (way: string, how: string) => {
      const reply = await lab.funnelApp.request(`http://g${way}`, { method: how }, throughFunnel('192.0.2.7'))
      return JSON.stringify([reply.status, await reply.text(), [...reply.headers]])
    }
    const nothing = await answer('/nothing', 'GET')
    await fc.assert(
      fc.asyncProperty(path, method, async (way, how) => {
        // what the URL class itself makes of dots; the listener lets none of these through
        fc.pre(!joinPaths.some((known) => known === new URL(`http://g${way}`).pathname))
        expect(await answer(way, how)).toBe(nothing)
      }),
      { numRuns: 500 },
    )
  })
})
