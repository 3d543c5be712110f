import { describe, expect, it } from 'vitest'
import { momentOf } from './when.ts'

describe('momentOf()', () => {
  it('reads days, durations and times', () => {
    const ago = (text: string) => Math.round((Date.now() - Number(momentOf(text, '--since'))) / 1000)
    expect([ago('7d'), ago('1d12h'), ago('90m')]).toEqual([604_800, 129_600, 5400])
    expect(momentOf('2026-11-21T10:00:00Z', '--since')).toBe(Date.parse('2026-11-21T10:00:00Z'))
  })

  it('says what it cannot read', () => {
    for (const text of ['yesterday', 'd', '7dd', '1.5d', ''])
      expect(momentOf(text, '--since')).toBe(
        `--since ${JSON.stringify(text)} is neither a duration like 24h nor a time`,
      )
  })
})
