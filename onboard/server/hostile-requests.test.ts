import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { directly, onboardLab } from '../../test/support/onboarding.ts'
import { newKeyPair } from '../client/wireguard-key.ts'

const paths = [
  '/api/onboard/start',
  '/api/onboard/poll',
  '/api/onboard/claim',
  '/api/sessions',
  '/api/sessions/x',
  '/api/env-pushdown',
  '/api/peer/self',
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
]

describe('the public app', () => {
  it('answers any request with a refusal it meant, and lets nobody in', async () => {
    const lab = onboardLab()
    onTestFinished(() => lab[Symbol.asyncDispose]())
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom('a', '__proto__', 'A'.repeat(43), 'A'.repeat(64), newKeyPair().publicKey, '192.0.2.1'),
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
      source: fc.ipV4(),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, body: text, query, authorization, source }) => {
        const url = `http://g${path}?${new URLSearchParams(query)}`
        const headers = { 'content-type': 'application/json', authorization }
        const init = method === 'GET' || method === 'HEAD' ? { method, headers } : { method, headers, body: text }
        const { status } = await lab.app.request(url, init, directly(source))
        expect([200, 400, 401, 404, 405, 413, 429]).toContain(status)
      }),
      { numRuns: 600 },
    )
    expect([lab.devices.list(), lab.peers.list(), lab.transport.table.size]).toEqual([[], [], 0])
  })
})
