import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import type { Rule } from '../contract/profile.ts'
import { compileRules } from './compile.ts'
import { type Judgeable, judge } from './judge.ts'
import { aRequest, aRule } from './request.fixture.ts'

const count = 3000
/** Close to what one condition may cost, on the body below; no index can rule it out. */
const costly = (index: number) => `http.body.contains('${index}x${'a'.repeat(20)}')`
const request: Judgeable = aRequest({ facts: { body: 'b'.repeat(500_000) } })

function rules(mode: Rule['mode']): readonly Rule[] {
  return Array.from({ length: count }, (_, index) => aRule(`r${index}`, costly(index), { reason: 'no', mode }))
}

describe('the rules of one action together', () => {
  it('deny once they have used up the time of all of them', () => {
    const { verdict } = judge(compileRules(rules('enforce'), [http], 'allow'), request)
    expect(verdict).toMatchObject({ kind: 'deny', decider: { by: 'failsafe', cause: 'unevaluable' } })
    expect(judge(compileRules(rules('enforce').slice(0, 10), [http], 'allow'), request).verdict.kind).toBe('allow')
  })

  it('are not short of what shadow rules took, which are noted and no longer tried', () => {
    const real = aRule('real', "http.body.startsWith('bb')")
    const { verdict, shadows } = judge(compileRules([...rules('shadow'), real], [http], 'deny'), request)
    expect(verdict).toEqual({ kind: 'allow', decider: { by: 'rule', rule: 'real' } })
    expect(shadows.length).toBeGreaterThan(0)
    expect(shadows.every(({ would }) => would === 'failsafe')).toBe(true)
  })

  it('have time for ten thousand that no index can rule out', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      aRule(`r${index}`, `http.body.contains('secret ${index}')`),
    )
    const small = aRequest({ facts: { body: 'x'.repeat(500) } })
    expect(judge(compileRules(many, [http], 'deny'), small).verdict).toMatchObject({ reason: 'no rule allows this' })
  })

  it('are found in no time, however many of their keys an action has', () => {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`X-${index}`, ['a']]))
    const asked = Array.from({ length: count }, (_, index) =>
      aRule(`r${index}`, `'X-${index}' in http.headers && 1 / 0 == 1`, { mode: 'shadow' }),
    )
    const { shadows } = judge(compileRules(asked, [http], 'deny'), aRequest({ facts: { headers } }))
    expect(shadows.map(({ rule }) => rule).slice(0, 3)).toEqual(['r0', 'r1', 'r2'])
  })
})
