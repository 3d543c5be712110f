import { describe, expect, it } from 'vitest'
import { refused } from './session.ts'

const answer = (status: number, body: unknown) => refused({ status, text: JSON.stringify(body) })

describe('refused()', () => {
  it('says that a device is blocked only when the gateway does', () => {
    const blocked = answer(403, { error: 'device is blocked' })
    expect(blocked.message).toBe('The gateway has blocked this device')
    expect(blocked.hint).toContain('device unblock')
    const why = 'devices of the tailnet ask through the tailnet'
    expect(answer(403, { error: why }).message).toBe(`The gateway refused: ${why}`)
  })

  it.each([
    [401, { error: 'unauthorized' }, 'The gateway does not know this device any more'],
    [409, { error: 'this node belongs to another device' }, 'The gateway refused: this node belongs to another device'],
    [502, { error: 'x' }, 'The gateway failed to answer'],
    [403, {}, 'The gateway refused: status 403'],
    [404, null, 'The gateway refused: status 404'],
  ])('tells %i apart', (status, body, message) => {
    expect(answer(status, body).message).toBe(message)
  })
})
