import { describe, expect, it } from 'vitest'
import type { EndpointName, EpochMs, RuleName } from '../../workers/contract/ids.ts'
import { aFlow, denied, whole } from '../recorder/events.fixture.ts'
import { Recorder } from '../recorder/recorder.ts'
import { type ActionFilter, actionsOf } from './actions.ts'
import { scratch } from './scratch.fixture.ts'

describe('actionsOf()', () => {
  it('filters by time, device, endpoint and decision; newest so many, oldest first', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const phone = { ...aFlow, peer: { ...aFlow.peer, node: 'phone' } }
    await recorder.record(aFlow, whole({ title: 'a', at: 1000 as EpochMs }))
    await recorder.record(aFlow, whole({ title: 'b', at: 2000 as EpochMs, verdict: denied }))
    await recorder.record(phone, whole({ title: 'c', at: 3000 as EpochMs, endpoint: 'other' as EndpointName }))
    await recorder.record(phone, whole({ title: 'd', at: 4000 as EpochMs, verdict: denied }))
    await recorder.stop()
    const actions = actionsOf(place.database)
    const titles = (filter: Partial<ActionFilter>) =>
      actions
        .list({ limit: 10, ...filter })
        .map(({ title }) => title)
        .join('')
    expect([
      titles({}),
      titles({ limit: 2 }),
      titles({ since: 2000 }),
      titles({ device: 'phone' }),
      titles({ device: 'd1' }),
      titles({ endpoint: 'other' }),
      titles({ denied: true }),
      titles({ denied: true, device: 'phone' }),
      titles({ after: 1, limit: 2 }),
      titles({ limit: 0 }),
      titles({ device: "' OR 1=1 --" }),
    ]).toEqual(['abcd', 'cd', 'bcd', 'cd', 'abcd', 'c', 'bd', 'd', 'bc', '', ''])
    expect([
      actions.newest(),
      actions.count(),
      actions.get('none'),
      actions.bySeq(99),
      actions.bySeq(3)?.title,
    ]).toEqual([4, 4, null, null, 'c'])
  })

  it('finds what a shadow rule would have decided, without a scan', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const by = (rule: string) => ({ shadows: [{ rule: rule as RuleName, would: 'deny' as const }] })
    await recorder.record(aFlow, whole({ title: 'a' }))
    await recorder.record(aFlow, whole({ title: 'b', ...by('one') }))
    await recorder.record(aFlow, whole({ title: 'c', ...by('two') }))
    await recorder.stop()
    const actions = actionsOf(place.database)
    const titles = (shadow: string | true) => actions.list({ limit: 10, shadow }).map(({ title }) => title)
    expect([titles(true), titles('one'), titles('three')]).toEqual([['b', 'c'], ['b'], []])
    const plan = place.database.sqlite
      .prepare('EXPLAIN QUERY PLAN SELECT seq FROM actions WHERE shadows IS NOT NULL ORDER BY seq DESC LIMIT 5')
      .all() as { detail: string }[]
    expect(plan.map(({ detail }) => detail).join()).toContain('actions_shadows')
  })
})
