import { describe, expect, it } from 'vitest'
import { countProblems, formatProblem, plainProblem, startReport } from './diagnostics.ts'
import { sourceOf } from './hcl/position.ts'

const sources = ['first = 1\n\tsecond = "é" # x\nthird', 'other\u001b[31m\n'].map((text, index) =>
  sourceOf({ name: `${index}.hcl`, bytes: Buffer.from(text) }),
)

describe('startReport()', () => {
  it('orders errors by place, then warnings, and shows each with its frame', () => {
    const report = startReport(sources)
    report.warn({ file: 0, span: [0, 5] }, 'a warning')
    report.error({ file: 1, span: [0, 5] }, 'in the other file', {
      hint: 'look here',
      related: [{ message: 'first seen', spot: { file: 0, span: [0, 5] } }],
    })
    report.error({ file: 0, span: [20, 24] }, 'in the first file')
    report.error(null, 'nowhere')
    expect(report.problems().map(formatProblem)).toEqual([
      'error: nowhere',
      '0.hcl:2:11: error: in the first file\n  1 | first = 1\n  2 |  second = "é" # x\n    |           ^^^',
      '1.hcl:1:1: error: in the other file\n  1 | other�[31m\n    | ^^^^^\n  0.hcl:1:1: first seen\n  hint: look here',
      '0.hcl:1:1: warning: a warning\n  1 | first = 1\n    | ^^^^^',
    ])
    expect(countProblems(report.problems())).toBe('3 errors, 1 warning')
  })

  it('tells at most 500 of a kind and counts the rest', () => {
    const report = startReport(sources)
    for (let index = 0; index < 1000; index += 1) report.error({ file: 0, span: [0, 1] }, `number ${index}`)
    const problems = report.problems()
    expect(problems).toHaveLength(501)
    expect(problems.at(-1)?.message).toBe('and 500 more errors')
  })

  it('keeps a frame to one terminal width, and marks a place beyond it with none', () => {
    const long = sourceOf({ name: 'long.hcl', bytes: Buffer.from('x'.repeat(100_000)) })
    const report = startReport([long])
    report.error({ file: 0, span: [0, 100_000] }, 'all of it')
    report.error({ file: 0, span: [90_000, 90_001] }, 'far out')
    for (const { frame } of report.problems()) expect(frame?.length).toBeLessThan(400)
  })

  it('is plain data', () => {
    const report = startReport(sources)
    report.error({ file: 0, span: [0, 5] }, 'x')
    expect(structuredClone(report.problems())).toEqual(report.problems())
    expect(plainProblem('x', 'y')).toMatchObject({ place: null, hint: 'y' })
  })
})
