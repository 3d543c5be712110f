import { describe, expect, it } from 'vitest'
import { parameterTexts } from './parameter-text.ts'

describe('parameterTexts()', () => {
  const one = (value: string, flags = 2) => parameterTexts([{ name: 'n', flags, value }])

  it('reads literals', () => {
    expect(one("'abc'")).toEqual(new Map([['n', 'abc']]))
    expect(one("'it\\'s\\n'")).toEqual(new Map([['n', "it's\n"]]))
    expect(one("''")).toEqual(new Map([['n', '']]))
    expect(parameterTexts([])).toEqual(new Map())
  })

  it.each([
    ['no literal', 'Int64_5', 2],
    ['a literal that goes on', "'a' 'b'", 2],
    ['a doubled quote', "'a''b'", 2],
    ['an escape of several meanings', "'\\x41'", 2],
    ['a backslash that is read by the type', "'\\\\N'", 2],
    ['what a server ignores', "'a'", 0],
  ])('does not tell %s', (_, value, flags) => {
    expect(one(value, flags)).toBe(null)
  })

  it('does not tell which of two values a server takes', () => {
    const twice = { name: 'n', flags: 2, value: "'a'" }
    expect(parameterTexts([twice, twice])).toBe(null)
  })
})
