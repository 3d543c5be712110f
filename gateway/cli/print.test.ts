import { describe, expect, it } from 'vitest'
import { alignRow, harmless } from './print.ts'

describe('what is printed', () => {
  it('keeps colours, line ends and letters of any language', () => {
    const text = '\u001b[1mcode\u001b[22m \u001b[31mdeny\u001b[39m\tgrün 日本\n'
    expect(harmless(text)).toBe(text)
  })

  it.each([
    ['\u001b[2J\u001b[H', '\\u001b[2J\\u001b[H'],
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['hidden \u001b[8mtext', 'hidden \\u001b[8mtext'],
    ['approved\rdenied', 'approved\\u000ddenied'],
    ['\u009b2J\u007f', '\\u009b2J\\u007f'],
  ])('shows control characters that others wrote: %j', (text, shown) => {
    expect(harmless(text)).toBe(shown)
  })

  it('leaves JSON readable by programs', () => {
    const value = { title: 'DNS A \u009b2J\u007f.example' }
    expect(JSON.parse(harmless(JSON.stringify(value)))).toEqual(value)
  })

  it('keeps a row on its line', () => {
    expect(alignRow(['a\nGET https://forged allow', 'x'], [2, 1])).toBe('a\\u000aGET https://forged allow  x')
  })
})
