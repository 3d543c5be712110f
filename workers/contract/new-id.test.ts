import { describe, expect, it } from 'vitest'
import { newId } from './new-id.ts'

describe('newId', () => {
  it('makes UUIDs of version 7 that sort by creation and are all different', () => {
    const ids = Array.from({ length: 20_000 }, () => newId())
    expect(ids.every((id) => /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id))).toBe(true)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('begins with the time in milliseconds', () => {
    const before = Date.now()
    const ms = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)
    // ids made in a burst may run a little ahead of the clock
    expect(ms).toBeGreaterThanOrEqual(before)
    expect(ms).toBeLessThan(before + 5000)
  })
})
