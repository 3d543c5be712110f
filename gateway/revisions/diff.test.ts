import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffLines } from './diff.ts'

const line = fc.constantFrom('a', 'b', 'c')

describe('diffLines()', () => {
  it('shows what changed with a little around it', () => {
    const from = ['1', '2', '3', '4', '5', 'old', '7', '8', '9', '10', '11', '12', '13', '14', 'gone']
    const to = ['1', '2', '3', '4', '5', 'new', '7', '8', '9', '10', '11', '12', '13', '14']
    expect(diffLines(from, to)).toEqual([
      ' 3',
      ' 4',
      ' 5',
      '-old',
      '+new',
      ' 7',
      ' 8',
      ' 9',
      '@@',
      ' 12',
      ' 13',
      ' 14',
      '-gone',
    ])
    expect(diffLines(to, to)).toEqual([])
  })

  it('says all that makes one of the other', () => {
    const lines = fc.array(line, { maxLength: 12 })
    fc.assert(
      fc.property(lines, lines, (from, to) => {
        const count = (list: readonly string[], of: string) => list.filter((each) => each === of).length
        const changes = diffLines(from, to)
        for (const each of ['a', 'b', 'c'])
          expect(count(changes, `+${each}`) - count(changes, `-${each}`)).toBe(count(to, each) - count(from, each))
        expect(changes.length === 0).toBe(from.join() === to.join())
      }),
      { numRuns: 300 },
    )
  })
})
