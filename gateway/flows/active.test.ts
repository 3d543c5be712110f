import { describe, expect, it } from 'vitest'
import type { Flow } from '../../workers/contract/flow.ts'
import type { DeviceId, EpochMs, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import { ActiveFlows } from './active.ts'

let count = 0

function aFlow(device: string): Flow {
  count += 1
  const address = { host: '10.77.0.2', port: 1 }
  return {
    id: `f${count}` as FlowId,
    openedAt: 0 as EpochMs,
    peer: { device: device as DeviceId, node: device, user: null, address },
    profile: 'work' as ProfileName,
    target: { host: '198.51.100.7', port: 22 },
    targetName: null,
  }
}

describe('ActiveFlows', () => {
  it('leaves room for other devices when one takes all it may', () => {
    const active = new ActiveFlows()
    const opened = Array.from({ length: 8192 }, () => active.open(aFlow('greedy')))
    expect(opened.every((live) => live !== null)).toBe(true)
    expect(active.open(aFlow('greedy'))).toBeNull()
    expect(active.open(aFlow('modest'))).not.toBeNull()
    const [first] = opened
    if (first != null) active.close(first)
    expect(active.open(aFlow('greedy'))).not.toBeNull()
  })

  it('stops a flow that was cancelled before it became anything, once', () => {
    const active = new ActiveFlows()
    const live = active.open(aFlow('d'))
    const stopped: string[] = []
    expect(active.cancelAll('first')).toBe(1)
    expect(active.cancelAll('second')).toBe(0)
    live?.become('relay', (because) => stopped.push(because))
    expect(stopped).toEqual(['first'])
  })

  it('forgets a flow that was closed, however often', () => {
    const active = new ActiveFlows()
    const live = active.open(aFlow('d'))
    if (live === null) throw new Error('no room')
    active.close(live)
    active.close(live)
    expect(active.size).toBe(0)
    expect(active.cancelDevice('d' as DeviceId, 'gone')).toBe(0)
  })
})
