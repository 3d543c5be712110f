import { describe, expect, it } from 'vitest'
import { loadParser } from './parser.ts'
import { isShallow } from './shallow.ts'

describe('the parser', () => {
  it('reads on after a text that was too much for it', async () => {
    const parser = await loadParser()
    // deep enough to run out of stack, in words the estimate takes for names
    const deep = `select 1${' isnull'.repeat(30_000)}`
    expect(isShallow(deep)).toBe(true)
    for (const _ of [1, 2]) {
      expect(parser.parse(deep)).toBeNull()
      await expect.poll(() => parser.parse('select 1')).toHaveLength(1)
    }
  })
})

describe('isShallow()', () => {
  it.each([
    ['many rows', `insert into t values ${Array(20_000).fill('(-1, now(), 1 + 2)').join(', ')}`],
    ['many columns', `select ${Array(20_000).fill('a.b').join(', ')} from t`],
    ['a long list', `select * from t where id in (${Array(20_000).fill('$1').join(',')})`],
    ['words in strings', `select '${'not '.repeat(20_000)}'`],
    ['many statements', 'select 1 + 1;'.repeat(20_000)],
  ])('is true of %s', (_what, text) => {
    expect(isShallow(text)).toBe(true)
  })

  it.each([
    ['a long sum', Array(9000).fill('1').join(' + ')],
    ['negations', 'not '.repeat(9000)],
    ['brackets', '['.repeat(9000)],
    ['a long union', Array(9000).fill('select 1, 2').join(' union ')],
  ])('is false of %s', (_what, text) => {
    expect(isShallow(text)).toBe(false)
  })
})
