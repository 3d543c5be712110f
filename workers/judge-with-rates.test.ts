import { describe, expect, it } from 'vitest'
import { ClawError } from './contract/errors.ts'
import { http } from './contract/families/http.ts'
import type { FlowId } from './contract/ids.ts'
import { judgeWithRates } from './judge-with-rates.ts'
import { compileRules } from './rules/compile.ts'
import { aRequest, aRule } from './rules/request.fixture.ts'

const flow = 'flow' as FlowId
const few = "rate('posts', '1h') < 3"

type Host = Parameters<typeof judgeWithRates>[2]

/** Main as far as counters go: says `count` of each, or fails; keeps what is settled. */
function host(count: number | ClawError): Host & { readonly settled: (readonly boolean[])[] } {
  const settled: (readonly boolean[])[] = []
  const call = (_: string, __: unknown, request: { counters?: readonly unknown[] }) =>
    count instanceof ClawError
      ? Promise.reject(count)
      : Promise.resolve({ ticket: 1, counts: (request.counters ?? []).map(() => count) })
  return { settled, call: call as Host['call'], settle: (_, counted) => settled.push(counted) }
}

const timeout = new ClawError('CP_TIMEOUT', 'no answer')

describe('judgeWithRates()', () => {
  it('counts what an enforced rule read and let pass', async () => {
    const main = host(2)
    const { judgement, settle } = await judgeWithRates(
      compileRules([aRule('few', few)], [http], 'deny'),
      aRequest(),
      main,
      flow,
    )
    expect(judgement.verdict.kind).toBe('allow')
    settle(true)
    settle(false)
    expect(main.settled).toEqual([[true], [false]])
  })

  it('does not let a rule on trial use up what an enforced one lets pass', async () => {
    const rules = [
      aRule('trial', few, { mode: 'shadow' }),
      aRule('posts', `http.method == 'post' && ${few}`),
      aRule('rest', "http.method == 'get'"),
    ]
    const main = host(0)
    const { judgement, settle } = await judgeWithRates(compileRules(rules, [http], 'deny'), aRequest(), main, flow)
    expect(judgement).toMatchObject({
      verdict: { decider: { rule: 'rest' } },
      shadows: [{ rule: 'trial', would: 'allow' }],
    })
    settle(true)
    expect(main.settled).toEqual([[false]])
  })

  it('counts for a rule on trial what no enforced one counts', async () => {
    const main = host(0)
    const set = compileRules([aRule('trial', few, { mode: 'shadow' })], [http], 'allow')
    const { settle } = await judgeWithRates(set, aRequest(), main, flow)
    settle(true)
    expect(main.settled).toEqual([[true]])
  })

  it('denies when counters an enforced rule asked for cannot be read', async () => {
    const set = compileRules([aRule('few', `${few} || true`)], [http], 'allow')
    const { judgement } = await judgeWithRates(set, aRequest(), host(timeout), flow)
    expect(judgement.verdict).toMatchObject({
      kind: 'deny',
      decider: { by: 'failsafe', cause: 'unevaluable' },
      reason: 'the counters of rate() could not be read; failing closed',
    })
    const lost = await judgeWithRates(set, aRequest(), host(new ClawError('CP_HOST_LOST', 'gone')), flow)
    expect(lost.judgement.verdict).toMatchObject({ kind: 'deny', decider: { cause: 'host_lost' } })
  })

  it('denies nothing for counters that only a rule on trial asked for, whatever others name', async () => {
    const rules = [
      aRule('trial', few, { mode: 'shadow' }),
      aRule('rest', "http.method == 'get'"),
      aRule('posts', few, { reason: 'too many' }),
    ]
    const { judgement } = await judgeWithRates(compileRules(rules, [http], 'deny'), aRequest(), host(timeout), flow)
    expect(judgement.verdict).toEqual({ kind: 'allow', decider: { by: 'rule', rule: 'rest' } })
    expect(judgement.shadows).toEqual([{ rule: 'trial', would: 'failsafe' }])
  })

  it('makes rules unevaluable whose counter there was no room for', async () => {
    const set = compileRules([aRule('few', few)], [http], 'allow')
    const { judgement } = await judgeWithRates(set, aRequest(), host(-1), flow)
    expect(judgement.verdict).toMatchObject({ kind: 'deny', decider: { cause: 'unevaluable', rule: 'few' } })
  })
})
