import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DescribedHttp } from '../../workers/contract/described.ts'
import type { CredentialName, EpochMs, RuleName } from '../../workers/contract/ids.ts'
import { asked, denied } from '../recorder/events.fixture.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { fixtureOf } from './fixture-of.ts'
import { recordAll, type ToRecord } from './recorded.fixture.ts'
import { describedAction } from './recorded.ts'

const http: DescribedHttp = { method: 'POST', path: '/a', query: {}, headers: {} }

async function rowOf(action: ToRecord, secrets: readonly string[] = []) {
  await using place = scratch()
  const [row] = await recordAll(place.database, [action], secrets)
  if (row === undefined) throw new Error('nothing was recorded')
  return row
}

const read = async (action: ToRecord, secrets: readonly string[] = []) => describedAction(await rowOf(action, secrets))

describe('describedAction()', () => {
  it('joins what the row and the sample hold', async () => {
    const action = {
      described: { host: 'api.example.com', http },
      body: '{"a":1}',
      credential: 'token' as CredentialName,
    }
    expect(await read({ ...action, at: 5000 as EpochMs })).toEqual({
      action: {
        host: 'api.example.com',
        credential: 'token',
        profile: 'default',
        device: 'laptop',
        at: '1970-01-01T00:00:05.000Z',
        http: { ...http, body: '{"a":1}' },
      },
      isMasked: false,
      masked: [],
      unknowns: [],
    })
  })

  it('takes the coding off a body, and gives bytes that are no UTF-8 as they are', async () => {
    const headers = { 'Content-Encoding': ['gzip'] }
    const packed = await read({ described: { http: { ...http, headers } }, body: gzipSync('hello') })
    expect(packed?.action.http).toMatchObject({ body: 'hello' })
    expect((await read({ described: { http }, body: Buffer.of(0xff, 0) }))?.action.http).toMatchObject({
      body_b64: '/wA=',
    })
  })

  it('says of a body that is not whole, not there or not readable that it is masked', async () => {
    const zstd = { ...http, headers: { 'Content-Encoding': ['zstd'] } }
    for (const action of [
      { described: { http }, body: 'begin', more: 10 },
      { described: { http } },
      { described: { http }, body: 'my hunter2-secret' },
      { described: { http: zstd }, body: 'x' },
    ])
      expect(await read(action, ['hunter2-secret'])).toMatchObject({
        masked: ['http.body'],
        action: { truncated: true },
      })
    expect(await read({ described: { http: { ...http, body: '' } } })).toMatchObject({ isMasked: false })
  })

  it('keeps apart what was unknown when it happened', async () => {
    const cut = { path: 'http.body', because: 'truncated' } as const
    expect(await read({ described: { http }, body: 'a', more: 9, unknowns: [cut] })).toMatchObject({
      isMasked: false,
      unknowns: [cut],
      action: { truncated: true },
    })
    const odd = { path: 'http.body', because: 'undecodable' } as const
    const seen = await read({ described: { http }, body: 'a', unknowns: [odd] })
    expect(seen).toMatchObject({ isMasked: false, unknowns: [odd], action: { unparseable: true } })
    expect(seen?.action.http?.body).toBeUndefined()
    const path = { path: 'http.path', because: 'undecodable' } as const
    const { path: _, ...rest } = http
    expect(await read({ described: { http: { ...rest, body: '' } }, unknowns: [path] })).toMatchObject({
      isMasked: false,
      unknowns: [path],
    })
  })

  it('names what was masked or was too long to keep', async () => {
    const headers = { Authorization: ['***'], 'X-A': ['b', 'my hunter2-secret'] }
    const query = { token: ['***'], page: ['1'] }
    expect(
      await read({ described: { http: { ...http, headers, query, body: '' } } }, ['hunter2-secret']),
    ).toMatchObject({
      isMasked: true,
      masked: ['http.headers.Authorization', 'http.headers.X-A', 'http.query.token'],
    })
    const long = { 'X-A': ['x'.repeat(40_000)] }
    expect((await read({ described: { http: { ...http, headers: long, body: '' } } }))?.masked).toEqual([
      'http.body',
      'http.headers',
    ])
  })

  it('is null for an action nothing was kept of', async () => {
    expect(await read({})).toBeNull()
  })
})

describe('fixtureOf()', () => {
  const described = { host: 'api.example.com', http: { ...http, body: '' } }

  it('says what was decided, in the words of fixtures', async () => {
    expect(fixtureOf(await rowOf({ described, verdict: denied }))).toMatchObject({
      match: { verdict: 'deny', rule: 'no-delete', endpoint: 'https.api', reason: 'nothing is deleted' },
      action: { host: 'api.example.com', http: { method: 'POST' } },
    })
    expect(fixtureOf(await rowOf({ described })).match).toEqual({
      verdict: 'allow',
      rule: 'reads',
      endpoint: 'https.api',
    })
    const noRule = { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } } as const
    expect(fixtureOf(await rowOf({ described, verdict: noRule })).match).toMatchObject({ verdict: 'allow', rule: '' })
  })

  it('gives approve for what was asked, whatever came of it', async () => {
    const decider = { by: 'failsafe', cause: 'approval_unavailable', rule: 'needs-human' as RuleName } as const
    const ruled = { kind: 'deny', decider, reason: 'approval required but HITL is not configured' } as const
    for (const action of [{ verdict: asked }, { verdict: asked, ruled }])
      expect(fixtureOf(await rowOf({ described, ...action })).match).toEqual({
        verdict: 'approve',
        rule: 'needs-human',
        endpoint: 'https.api',
      })
  })

  it('refuses what no rule decided, what has no endpoint and what was not kept', async () => {
    const decider = { by: 'failsafe', cause: 'secret_missing', rule: null } as const
    const noSecret = await rowOf({ described, verdict: { kind: 'deny', decider, reason: 'no secret' } })
    expect(() => fixtureOf(noSecret)).toThrow('no rule decided it, but secret_missing')
    const relayed = await rowOf({ described, endpoint: null })
    expect(() => fixtureOf(relayed)).toThrow('it has no endpoint')
    const empty = await rowOf({})
    expect(() => fixtureOf(empty)).toThrow('does not hold what it was')
  })
})
