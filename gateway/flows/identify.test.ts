import { describe, expect, it } from 'vitest'
import { profileWith } from '../../test/support/flow-lab.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import { type DeviceLookup, identifySafely, type KnownDevice } from './identify.ts'
import { ProfileViews } from './profile-views.ts'

const views = new ProfileViews()
views.update([profileWith('work', { api: ['api.example'] })])

const device: KnownDevice = {
  id: 'd1' as DeviceId,
  name: 'laptop',
  user: 'ann',
  profile: 'work' as ProfileName,
  isApproved: true,
  isBlocked: false,
}

function only(address: string, known: KnownDevice): DeviceLookup {
  return { byAddress: (asked) => (asked === address ? known : null), byNode: () => null }
}

describe('identifySafely()', () => {
  it.each([
    ['10.77.0.2', '10.77.0.2'],
    ['10.77.0.2', '::ffff:10.77.0.2'],
    ['fd77::2', 'FD77:0:0::0002'],
  ])('knows the device of %s by %s', (address, from) => {
    const source = { host: from, port: 40_000 }
    expect(identifySafely(only(address, device), views, { from: source, node: null })).toMatchObject({
      kind: 'known',
      peer: { device: 'd1', node: 'laptop', user: 'ann', address: source },
      view: { profile: { name: 'work' } },
    })
  })

  it.each<[string, KnownDevice | null, string]>([
    ['an unknown address', null, 'no device has this address'],
    ['a device not approved', { ...device, isApproved: false }, 'the device is not approved'],
    ['a blocked device', { ...device, isBlocked: true }, 'the device is blocked'],
    ['a device without a profile', { ...device, profile: null }, 'the profile of the device is not in the policy'],
    [
      'a profile that is gone',
      { ...device, profile: 'gone' as ProfileName },
      'the profile of the device is not in the policy',
    ],
  ])('is closed to %s', (_what, known, because) => {
    const lookup = { byAddress: () => known, byNode: () => null }
    expect(identifySafely(lookup, views, { from: { host: '10.77.0.2', port: 1 }, node: null })).toEqual({
      kind: 'closed',
      because,
    })
  })

  it('is closed when the look-up fails', () => {
    const lookup: DeviceLookup = {
      byAddress: () => {
        throw new Error('database is locked')
      },
      byNode: () => null,
    }
    const because = 'the device could not be looked up'
    expect(identifySafely(lookup, views, { from: { host: '10.77.0.2', port: 1 }, node: null })).toEqual({
      kind: 'closed',
      because,
    })
    expect(identifySafely(only('', device), views, { from: { host: 'nonsense', port: 1 }, node: null })).toEqual({
      kind: 'closed',
      because,
    })
  })
})

describe('ProfileViews', () => {
  it('collects the names of all profiles and forgets profiles that are gone', () => {
    const both = new ProfileViews()
    const found = both.update([
      profileWith('a', { x: ['one.example', '*.deep.example', '192.0.2.1'] }),
      profileWith('b', { y: ['two.example', 'one.example'] }),
    ])
    expect(found).toEqual({ located: [], names: ['one.example', 'two.example'], suffixes: ['deep.example'] })
    const before = both.view('a' as ProfileName)
    both.update([profileWith('a', { x: ['one.example', '*.deep.example', '192.0.2.1'] })])
    expect(both.view('a' as ProfileName)?.index).toBe(before?.index)
    expect(both.view('b' as ProfileName)).toBeNull()
  })
})
