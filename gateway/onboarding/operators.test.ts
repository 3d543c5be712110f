import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aNode, aPersonsNode } from '../../test/support/onboarding.ts'
import { isOperator, isOperatorNode } from './operators.ts'

describe('isOperator()', () => {
  it.each([
    ['ada@example.com', ['ada@example.com']],
    ['Ada@Example.com', ['ada@example.COM']],
    ['bob@example.com', ['ada@example.com', '*@example.com']],
  ])('knows %s by %j', (user, patterns) => {
    expect(isOperator(user, patterns)).toBe(true)
  })

  it.each([
    [null, ['*@example.com']],
    ['', ['*@']],
    ['', ['']],
    ['@', ['*@', '@']],
    ['@example.com', ['*@example.com', '@example.com']],
    ['ada', ['ada', '*@ada', '*']],
    ['ada@', ['ada@', '*@']],
    ['tagged-devices', ['tagged-devices', '*@*', '*']],
    ['ada@example.com', []],
    ['ada@example.com', ['*']],
    ['ada@example.com', ['*@*']],
    ['ada@example.com', ['bob@example.com']],
    ['ada@evil-example.com', ['*@example.com']],
    ['ada@example.com.evil', ['*@example.com']],
    ['ada@evil@example.com', ['*@example.com', 'ada@evil@example.com']],
    ['ada@sub.example.com', ['*@example.com']],
  ])('does not take %s for one by %j', (user, patterns) => {
    expect(isOperator(user, patterns)).toBe(false)
  })

  it('lets a domain speak for its own logins alone', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (name, domain) => {
        const is = isOperator(`${name}@${domain}`, ['*@example.com'])
        expect(is).toBe(/^[^@]+$/.test(name.trimStart()) && domain.trimEnd().toLowerCase() === 'example.com')
      }),
      { numRuns: 300 },
    )
  })
})

describe('isOperatorNode()', () => {
  it('never takes a tagged node, whatever login comes with it', () => {
    expect(isOperatorNode(aPersonsNode(1), ['ops@example.com'])).toBe(true)
    expect(isOperatorNode(aNode(1), ['ops@example.com', '*@example.com'])).toBe(false)
    expect(isOperatorNode(aNode(1, { user: 'ops@example.com' }), ['ops@example.com'])).toBe(false)
  })
})
