import { describe, expect, it } from 'vitest'
import type { ActionEvent } from '../../workers/contract/action.ts'
import type { ActionId, EpochMs, RuleName } from '../../workers/contract/ids.ts'
import { actionsOf } from '../store/actions.ts'
import { type Scratch, scratch } from '../store/scratch.fixture.ts'
import { aFlow, aSample, asked, closed, denied, opened, whole } from './events.fixture.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import { buildRedactor } from './redact.ts'

interface Bench extends AsyncDisposable {
  readonly place: Scratch
  readonly recorder: Recorder
  readonly actions: ReturnType<typeof actionsOf>
}

function bench(options: Omit<RecorderOptions, 'database'> = {}): Bench {
  const place = scratch()
  const recorder = new Recorder({ ...options, database: place.database })
  return {
    place,
    recorder,
    actions: actionsOf(place.database),
    [Symbol.asyncDispose]: async () => {
      await recorder.stop(100)
      await place[Symbol.asyncDispose]()
    },
  }
}

describe('Recorder', () => {
  it('has committed an action when record() resolves, with everything about it', async () => {
    await using at = bench()
    const [begin, end] = whole({ title: 'DELETE https://api.example.com/7', verdict: denied })
    await at.recorder.record(aFlow, [begin, end])
    expect(at.actions.list({ limit: 10 })).toEqual([
      {
        seq: 1,
        id: begin.kind === 'opened' ? begin.action.id : '',
        flow: 'flow-1',
        at: '1970-01-01T00:00:01.000Z',
        device: 'laptop',
        deviceId: 'd1',
        user: null,
        source: '10.55.0.2:40000',
        target: '192.0.2.1:443',
        targetName: 'api.example.com',
        profile: 'default',
        endpoint: 'api',
        protocol: 'https',
        credential: null,
        title: 'DELETE https://api.example.com/7',
        facts: { method: 'get' },
        unknowns: [],
        decision: 'deny',
        decidedBy: 'rule',
        rule: 'no-delete',
        shadows: [],
        cause: null,
        decider: 'no-delete',
        reason: 'nothing is deleted',
        status: '200',
        error: null,
        bytesUp: 10,
        bytesDown: 20,
        ms: 250,
      },
    ])
  })

  it('adds what a statement gave to the facts it began with, whenever it ends', async () => {
    await using at = bench()
    const result = { rows: 3, columns: ['id', 'secret'] }
    const [first, second, bare] = [opened(), opened(), opened({ facts: {} })]
    await at.recorder.record(aFlow, [first, closed(first.action.id, { result }), second, bare])
    await at.recorder.record(aFlow, [closed(second.action.id, { result: { rows: 0, columns: null } })])
    await at.recorder.record(aFlow, [closed(bare.action.id, { result })])
    const facts = at.actions.list({ limit: 10 }).map((row) => row.facts)
    expect(facts.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      { method: 'get', rows: 0 },
      { method: 'get', rows: 3, result_columns: ['id', 'secret'] },
      { rows: 3, result_columns: ['id', 'secret'] },
    ])
  })

  it('shows an action as asked until it is ruled, and then what was ruled', async () => {
    await using at = bench()
    const shadows = [{ rule: 'no-pay' as RuleName, would: 'deny' as const }]
    const begin = opened({ title: 'POST https://api.example.com/pay', verdict: asked, shadows })
    const { id } = begin.action
    await at.recorder.record(aFlow, [begin])
    expect(at.actions.get(id)).toMatchObject({
      decision: 'ask',
      decidedBy: 'rule',
      rule: 'needs-human',
      reason: 'it pays money',
      shadows,
    })
    const decider = { by: 'failsafe', cause: 'approval_unavailable', rule: 'needs-human' as RuleName } as const
    const reason = 'approval required but HITL is not configured'
    await at.recorder.record(aFlow, [{ kind: 'ruled', action: id, ruling: { kind: 'deny', decider, reason } }])
    expect(at.actions.get(id)).toMatchObject({
      decision: 'deny',
      decidedBy: 'failsafe',
      cause: 'approval_unavailable',
      rule: 'needs-human',
      reason,
      shadows,
      status: null,
    })
    await at.recorder.record(aFlow, [closed(id, { status: 'denied' })])
    expect(at.actions.get(id)).toMatchObject({ decision: 'deny', status: 'denied', reason })
  })

  it('merges beginning and end of one batch into one INSERT', async () => {
    await using at = bench()
    await Promise.all(Array.from({ length: 50 }, () => at.recorder.record(aFlow, whole())))
    expect(at.actions.count()).toBe(50)
    expect(at.recorder.stats()).toMatchObject({ written: 100, merged: 50, queued: 0, open: 0, rejected: 0 })
  })

  it('writes the beginning of a long action at once and its end later', async () => {
    await using at = bench()
    const begin = opened()
    const { id } = begin.action
    await at.recorder.record(aFlow, [begin])
    expect(at.actions.get(id)).toMatchObject({ status: null, ms: null })
    expect(at.recorder.stats().open).toBe(1)
    await at.recorder.record(aFlow, [{ kind: 'ruled', action: id, ruling: denied }])
    expect(at.actions.get(id)).toMatchObject({ decision: 'deny', reason: 'nothing is deleted', status: null })
    await at.recorder.record(aFlow, [closed(id, { status: 'denied' })])
    expect(at.actions.get(id)).toMatchObject({ decision: 'deny', status: 'denied', ms: 250 })
    expect(at.recorder.stats().open).toBe(0)
  })

  it('keeps samples of bodies and frames in order, cut to the limit', async () => {
    await using at = bench({ sampleBytes: 4 })
    const begin = opened()
    const { id } = begin.action
    const frame = (direction: 'up' | 'down', text: string): ActionEvent => {
      return { kind: 'frame', action: id, direction, sample: aSample(text), at: 1100 as EpochMs }
    }
    await at.recorder.record(aFlow, [begin, frame('up', 'one')])
    await at.recorder.record(aFlow, [
      frame('down', 'two-and-more'),
      closed(id, {
        request: aSample('', { total: 0 }),
        response: aSample('hello', { total: 5, sha256: 'ab', contentType: 'text/plain' }),
      }),
    ])
    const samples = at.actions.samples(id)
    expect(samples.map(({ kind, bytes, total }) => [kind, Buffer.from(bytes).toString(), total])).toEqual([
      ['frame-up', 'one', 3],
      ['frame-down', 'two-', 12],
      ['response', 'hell', 5],
    ])
    expect(samples[2]).toMatchObject({ sha256: 'ab', contentType: 'text/plain' })
  })

  it('records a flow of nobody, an unknown, a failsafe and a clock that was set back', async () => {
    await using at = bench()
    const begin = opened({
      endpoint: null,
      unknowns: [{ path: 'http.body', because: 'truncated' }],
      verdict: {
        kind: 'deny',
        decider: { by: 'failsafe', cause: 'unevaluable', rule: 'r' as RuleName },
        reason: 'cannot tell',
      },
    })
    await at.recorder.record(null, [begin, closed(begin.action.id, { at: 10 as EpochMs })])
    expect(at.actions.get(begin.action.id)).toMatchObject({
      device: null,
      endpoint: null,
      ms: 0,
      unknowns: [{ path: 'http.body', because: 'truncated' }],
      decidedBy: 'failsafe',
      rule: 'r',
      cause: 'unevaluable',
      decider: 'r (unevaluable)',
    })
  })

  it('redacts title, facts, reason, error and samples', async () => {
    const secret = 'hunter2-hunter2'
    await using at = bench({ redactor: () => redactor })
    const redactor = buildRedactor([secret])
    const begin = opened({
      title: `GET https://x/${secret}`,
      facts: { path: `/${secret}`, authorization: 'Basic x' },
      verdict: { ...denied, reason: `no ${secret}` } as typeof denied,
    })
    const { id } = begin.action
    await at.recorder.record(aFlow, [
      begin,
      closed(id, { error: `bad ${secret}`, request: aSample(`{"k":"${secret}"}`), response: aSample(secret) }),
    ])
    expect(at.actions.get(id)).toMatchObject({
      title: 'GET https://x/[REDACTED credential]',
      facts: { path: '/[REDACTED credential]', authorization: '***' },
      reason: 'no [REDACTED credential]',
      error: 'bad [REDACTED credential]',
    })
    expect(at.actions.samples(id).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
      '{"k":"[REDACTED credential]"}',
      '[REDACTED credential]',
    ])
  })

  it('counts ends of actions nobody knows and ends those another process began', async () => {
    await using at = bench()
    const begin = opened()
    await at.recorder.record(aFlow, [begin])
    const second = new Recorder({ database: at.place.database })
    await second.record(null, [closed(begin.action.id), closed('none' as ActionId)])
    expect(at.actions.get(begin.action.id)).toMatchObject({ status: '200', ms: 250 })
    expect(second.stats().orphans).toBe(1)
    await second.stop()
  })

  it('ends what an earlier gateway left open', async () => {
    await using at = bench()
    const begin = opened()
    await at.recorder.record(aFlow, [begin])
    const next = new Recorder({ database: at.place.database })
    expect(next.closeLeftOvers(5000)).toBe(1)
    expect(at.actions.get(begin.action.id)).toMatchObject({ status: 'error', ms: 4000 })
    expect(next.closeLeftOvers()).toBe(0)
    await next.stop()
  })

  it('gives up only the event no database would take', async () => {
    const rejected: unknown[] = []
    await using at = bench({ onRejected: (error) => rejected.push(error) })
    const good = whole()
    const twice = opened()
    await at.recorder.record(aFlow, [twice, closed(twice.action.id)])
    const results = await Promise.allSettled([
      at.recorder.record(aFlow, good),
      // the same id again: a UNIQUE constraint
      at.recorder.record(aFlow, [twice]),
      at.recorder.record(aFlow, whole()),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(rejected).toHaveLength(1)
    expect(at.actions.count()).toBe(3)
    expect(at.recorder.healthy).toBe(true)
  })

  it('writes all that waits when it stops, and then takes nothing more', async () => {
    const at = bench()
    const waiting = at.recorder.record(aFlow, Array.from({ length: 3000 }, () => whole()).flat())
    expect(await at.recorder.stop()).toBe(0)
    await waiting
    expect(at.actions.count()).toBe(3000)
    expect(at.recorder.healthy).toBe(false)
    await expect(at.recorder.record(aFlow, whole())).rejects.toMatchObject({ code: 'CP_STORE' })
    await at.place[Symbol.asyncDispose]()
  })

  it('turns a caller away that does not wait, and loses nothing it took', async () => {
    await using at = bench()
    const begin = opened()
    const { id } = begin.action
    const frame: ActionEvent = { kind: 'frame', action: id, direction: 'up', sample: aSample('x'), at: 1 as EpochMs }
    const results = await Promise.allSettled([
      at.recorder.record(aFlow, [begin]),
      at.recorder.record(aFlow, Array<ActionEvent>(131_072).fill(frame)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(at.recorder.stats()).toMatchObject({ rejected: 131_072, written: 1, queued: 0 })
  })

  it('lets no flow take the place of an action of another, nor end it', async () => {
    await using at = bench()
    const other = { ...aFlow, id: 'flow-2' as typeof aFlow.id, profile: 'other' as typeof aFlow.profile }
    const begin = opened()
    const { id } = begin.action
    const taken = opened({ id, flow: other.id, title: 'GET https://other.example/' })
    await Promise.all([at.recorder.record(aFlow, [begin]), at.recorder.record(other, [taken, closed(id)])])
    await at.recorder.record(other, [taken, closed(id)])
    expect(at.actions.list({ limit: 10 })).toMatchObject([{ id, flow: 'flow-1', profile: 'default', status: null }])
    await at.recorder.record(aFlow, [closed(id)])
    expect(at.actions.list({ limit: 10 })).toMatchObject([{ id, title: begin.action.title, status: '200' }])
    expect(at.recorder.stats()).toMatchObject({ orphans: 4, rejected: 0 })
  })

  it('takes no column from who decided', async () => {
    await using at = bench()
    const decider = { by: 'nobody', profile: 'other', device: 'd2', rule: null, cause: null, decidedBy: 'rule' }
    const begin = opened({ verdict: { kind: 'allow', decider } as never })
    await expect(at.recorder.record(aFlow, [begin])).rejects.toThrow('Cannot record')
    expect(at.actions.list({ limit: 10 })).toEqual([])
  })
})
