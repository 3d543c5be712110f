import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../gateway/config/policy.ts'
import { judgeDescribed } from '../../gateway/replay/judge-described.ts'
import { describedAction } from '../../gateway/replay/recorded.ts'
import type { ReplayableRow } from '../../gateway/store/replayable.ts'
import { http } from '../../workers/contract/families/http.ts'
import type { CredentialName, EndpointName, ProfileName } from '../../workers/contract/ids.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { describeRequest } from '../../workers/protocols/https/describe-request.ts'
import { compileRules } from '../../workers/rules/compile.ts'
import { judge } from '../../workers/rules/judge.ts'
import { aRule } from '../../workers/rules/request.fixture.ts'
import { Body } from '../../workers/wire/http/body.ts'
import type { Exchange } from '../../workers/wire/http/exchange.ts'
import { inspectBody } from '../../workers/wire/http/inspect-body.ts'
import { HttpFacts, unknownsOf } from '../../workers/wire/http/request-facts.ts'
import { parseRequestHead } from '../../workers/wire/http/request-head.ts'

const host = 'api.example.test'
const inspectBytes = 64

const rules = [
  aRule('ban', "http.path.startsWith('/a/../') || http.path.contains('é')", { reason: 'odd path' }),
  aRule('twice', "'q' in http.query && http.query['q'].size() > 1", { reason: 'twice' }),
  aRule('marked', "has(http.headers['X-Mark']) && http.headers['X-Mark'][0] == 'no'", { reason: 'marked' }),
  aRule('big', "http.method == 'POST' && has(http.body_json.n) && http.body_json.n > 5", { reason: 'big' }),
  aRule('word', "http.body.contains('drop')", { reason: 'word' }),
  aRule('reads', "http.method in ['GET', 'HEAD'] || http.host == 'other.test'"),
]

const endpoint = {
  name: 'api' as EndpointName,
  protocol: 'https',
  hosts: [host],
  settings: { hosts: [host] },
  credentials: [{ name: 'key' as CredentialName, type: 'bearer_token', settings: {}, disambiguator: {} }],
  rules,
  unmatched: 'deny',
  via: null,
} satisfies Endpoint

const profile = {
  name: 'default' as ProfileName,
  revision: '',
  endpoints: [endpoint],
  unknownHost: 'deny',
  limits: { inspectBytes } as Profile['limits'],
} satisfies Profile

const policy = {
  profiles: new Map([[profile.name, profile]]),
  credentials: [{ name: 'key', endpoints: ['api'] }],
  endpoints: [{ name: 'api', protocol: 'https' }],
} as unknown as Policy

const set = compileRules(rules, [http], endpoint.unmatched)
const at = '2026-11-21T10:00:00.000Z'

interface Request {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: string
}

const request: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom('GET', 'get', 'POST', 'PUT', 'DELETE', 'HEAD'),
  target: fc
    .tuple(
      fc.array(fc.constantFrom('/', 'a', '..', 'é', '%C3%A9', '%2F', '%zz', '+', ';', 'a%20b', '//'), { maxLength: 6 }),
      fc.array(fc.constantFrom('q=1', 'q=2', 'r', 'q', '&', '=x', 'q=%zz', 'a+b=c', 'é=1'), { maxLength: 4 }),
    )
    .map(([path, query]) => `/${path.join('')}${query.length === 0 ? '' : `?${query.join('&')}`}`),
  headers: fc.array(
    fc.constantFrom(
      'X-Mark: no',
      'x-mark: yes',
      'X-Other: 1',
      'Connection: x-mark',
      'Authorization: Bearer x',
      'Via: a',
    ),
    { maxLength: 4 },
  ),
  body: fc.oneof(
    fc.constantFrom(
      '',
      '{"n": 1}',
      '{"n": 9}',
      '{"n": 9',
      '[]',
      'drop table',
      '{"n":1,"n":9}',
      'x'.repeat(65),
      'é',
      '\0',
    ),
    fc.json({ maxDepth: 1 }),
  ),
})

/** What a worker makes of the bytes of a request. */
async function live({ method, target, headers, body }: Request) {
  const sent = Buffer.from(body)
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers, `Content-Length: ${sent.length}`, '', '']
  const head = parseRequestHead(Buffer.from(lines.join('\r\n')))
  if (head.kind === 'bad') throw new Error(head.because)
  const incoming = new Body(sent.length === 0 ? 0 : sent.length, null)
  if (sent.length > 0) {
    incoming.push(sent)
    incoming.finish(null)
  }
  const exchange = { head, body: incoming, invite: () => undefined } as unknown as Exchange
  const inspected = await inspectBody(exchange, endpoint, inspectBytes)
  const facts = new HttpFacts(head, host, inspected)
  const unknowns = unknownsOf(head, inspected)
  const context = { profile: 'default', device: 'laptop', endpoint: 'api', nowMs: Date.parse(at) }
  const credential = 'key' as CredentialName
  const { verdict } = judge(set, { facts: { http: facts }, unknowns, credential, context })
  const described = describeRequest(exchange, { host, facts, unknowns })
  return { verdict, row: rowOf(sent, JSON.stringify(described), JSON.stringify(unknowns)) }
}

/** The record of it, with a sample that is never too short. */
function rowOf(body: Buffer, described: string, unknowns: string): ReplayableRow {
  return {
    node: 'laptop',
    profile: 'default',
    endpoint: 'api',
    protocol: 'https',
    credential: 'key',
    openedAt: Date.parse(at),
    unknowns,
    described,
    body,
    bodySha256: createHash('sha256').update(body).digest('hex'),
  } as unknown as ReplayableRow
}

describe('a request, live and replayed', () => {
  it('gets the same verdict by the same rule for the same reason', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (sent) => {
        const { verdict, row } = await live(sent)
        const recorded = describedAction(row)
        if (recorded === null) throw new Error('nothing was described')
        const outcome = await judgeDescribed(policy, recorded.action)
        const { decider } = verdict
        expect(outcome).toMatchObject({
          verdict: verdict.kind,
          rule: decider.by === 'default' ? null : decider.rule,
          reason: verdict.kind === 'allow' ? null : verdict.reason,
          failsafe: decider.by === 'failsafe' ? decider.cause : null,
        })
      }),
      { numRuns: 400 },
    )
  })
})
