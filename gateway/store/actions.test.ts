import { describe, expect, it } from 'vitest'
import type { EndpointName, EpochMs } from '../../workers/contract/ids.ts'
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
})
