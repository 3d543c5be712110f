import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { anEndpoint, aProfile, type PoolLab, startPoolLab } from './fixtures/pool-lab.ts'

let lab: PoolLab | undefined

afterEach(async () => {
  await lab?.[Symbol.asyncDispose]()
  lab = undefined
})

function limited(when: string, mode: 'enforce' | 'shadow' = 'enforce'): Profile {
  const rule = { name: 'few', priority: 0, when, credential: null, outcome: { do: 'allow' }, mode }
  const endpoint = {
    ...anEndpoint('a-api', ['a.example:443']),
    rules: [rule],
    unmatched: 'deny',
  } as unknown as Endpoint
  const profile = aProfile('a', { endpoints: [endpoint] })
  return { ...profile, limits: { ...profile.limits, threads: 2 } }
}

describe('rate() over several worker threads', () => {
  it.each(['device', 'profile'])('lets exactly three of forty flows at once pass, per %s', async (per) => {
    lab = await startPoolLab([limited(`rate('judged', '10m', '${per}') < 3`)])
    const started = lab
    const flows = await Promise.all(Array.from({ length: 40 }, () => started.open('a')))
    await Promise.all(flows.map((flow) => flow.ask('echo ready')))
    expect(started.pools.stats()).toMatchObject([{ threads: 2, flows: 40 }])
    await Promise.all(flows.map((flow) => flow.ask('judge it')))
    const verdicts = started.events.flatMap(({ event }) => (event.kind === 'opened' ? [event.verdict] : []))
    expect(verdicts).toHaveLength(40)
    expect(verdicts.filter(({ kind }) => kind === 'allow')).toHaveLength(3)
    expect(verdicts.filter(({ kind }) => kind === 'deny')[0]).toMatchObject({
      decider: { by: 'default', setting: 'unmatched' },
      reason: 'no rule allows this',
    })
    expect(started.faults).toEqual([])
  }, 20_000)

  it('goes on counting when a thread dies with a reading of its own', async () => {
    lab = await startPoolLab([limited("rate('judged', '10m') < 2")], { watchdog: { everyMs: 100, maxMissed: 10 } })
    const [sick, one] = [await lab.open('a'), await lab.open('a')]
    await Promise.all([sick.ask('echo ready'), one.ask('echo ready')])
    sick.peer.write('judge it\ncrash\n')
    await sick.report
    const next = await lab.open('a')
    await next.ask('judge it')
    await next.ask('judge it')
    const kinds = lab.events.flatMap(({ event }) => (event.kind === 'opened' ? [event.verdict.kind] : []))
    expect(kinds.filter((kind) => kind === 'allow').length).toBeLessThanOrEqual(2)
    expect(kinds.at(-1)).toBe('deny')
  }, 20_000)
})

describe('what a worker records of', () => {
  const endpoint = anEndpoint('a-api', ['a.example:443'])
  const base = { name: 'r', priority: 0, when: null, credential: null, mode: 'enforce' }
  const withRules = (rules: readonly object[]) =>
    aProfile('a', { endpoints: [{ ...endpoint, rules } as unknown as Endpoint] })

  it('an ask: the ask, and that nobody could be asked', async () => {
    const outcome = { do: 'ask', approvers: ['ops'], reason: 'look at it' }
    lab = await startPoolLab([withRules([{ ...base, outcome }])])
    const flow = await lab.open('a')
    await flow.ask('judge it')
    await expect
      .poll(() => lab?.events.map(({ event }) => event))
      .toMatchObject([
        { kind: 'opened', verdict: { kind: 'ask', approvers: ['ops'], decider: { by: 'rule', rule: 'r' } } },
        {
          kind: 'ruled',
          ruling: {
            kind: 'deny',
            decider: { by: 'failsafe', cause: 'approval_unavailable', rule: 'r' },
            reason: 'approval required but HITL is not configured',
          },
        },
      ])
  }, 20_000)

  it('a shadow rule: what it would have done', async () => {
    const outcome = { do: 'deny', reason: 'no' }
    lab = await startPoolLab([withRules([{ ...base, mode: 'shadow', outcome }])])
    const flow = await lab.open('a')
    await flow.ask('judge it')
    await expect
      .poll(() => lab?.events.map(({ event }) => event))
      .toMatchObject([
        { kind: 'opened', verdict: { kind: 'allow' }, action: { shadows: [{ rule: 'r', would: 'deny' }] } },
      ])
  }, 20_000)
})
