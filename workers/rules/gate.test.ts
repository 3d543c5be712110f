import { describe, expect, it } from 'vitest'
import type { ActionId, RuleName } from '../contract/ids.ts'
import type { Granted, Permit, Ruling } from '../contract/verdict.ts'
import { gate, redeem } from './gate.ts'

const one = 'action-1' as ActionId
const other = 'action-2' as ActionId
const allow: Ruling = { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
const deny: Ruling = { kind: 'deny', decider: { by: 'rule', rule: 'r' as RuleName }, reason: 'no' }

function permitFor(action: ActionId): Permit {
  const ruling = gate(action, allow)
  if (ruling.kind === 'deny') throw new Error('the gate denied an allow')
  return ruling.permit
}

const forbidden = (because: string) =>
  expect.objectContaining({ code: 'CP_FORBIDDEN', message: expect.stringContaining(because) })

describe('gate()', () => {
  it('makes a permit of an allow', () => {
    const granted = gate(one, allow)
    expect(granted).toEqual({ ...allow, permit: { action: one } })
    expect(Object.isFrozen((granted as Granted).permit)).toBe(true)
  })

  it('leaves a deny a deny, without a permit', () => {
    expect(gate(one, deny)).toBe(deny)
  })
})

describe('redeem()', () => {
  it('accepts a permit once', () => {
    const permit = permitFor(one)
    redeem(permit, one)
    expect(() => redeem(permit, one)).toThrow(forbidden('redeemed before'))
  })

  it('refuses a permit for another action, and does not use it up', () => {
    const permit = permitFor(one)
    expect(() => redeem(permit, other)).toThrow(forbidden('permit for action "action-1"'))
    expect(() => redeem(permit, one)).not.toThrow()
  })

  it.each([
    ['a copy', () => ({ ...permitFor(one) })],
    ['a clone, as another thread would send', () => structuredClone(permitFor(one))],
    ['an object of the same shape', () => ({ action: one })],
    ['a thing inheriting from a permit', () => Object.create(permitFor(one))],
    ['nothing', () => undefined],
    ['a string', () => 'action-1'],
    [
      'what the constructor of a permit makes',
      () => new (permitFor(one).constructor as new (id: string) => object)(one),
    ],
  ])('refuses %s', (_, forge) => {
    expect(() => redeem(forge() as Permit, one)).toThrow(forbidden('not made by the gate'))
  })

  it('cannot be given a permit made by hand: it does not compile', () => {
    // @ts-expect-error only the gate makes permits
    const forged: Permit = { action: one }
    // @ts-expect-error a ruling is no permit
    expect(() => redeem(allow, one)).toThrow(forbidden('not made by the gate'))
    // @ts-expect-error an allow without a permit is not granted
    const granted: Granted = allow
    expect([() => redeem(forged, one), () => redeem(granted.permit, one)].map(throws)).toEqual([true, true])
  })
})

function throws(work: () => void): boolean {
  try {
    work()
    return false
  } catch {
    return true
  }
}
