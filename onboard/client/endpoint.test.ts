import { describe, expect, it } from 'vitest'
import { resolveEndpoint } from './endpoint.ts'

describe('resolveEndpoint()', () => {
  it.each(['192.0.2.1:51820', '[2001:db8::1]:51820'])('leaves %s as it is', async (endpoint) => {
    expect(await resolveEndpoint(endpoint)).toBe(endpoint)
  })

  it('finds the address of a name', async () => {
    expect(await resolveEndpoint('localhost:51820')).toMatch(/^(127\.0\.0\.1|\[::1\]):51820$/)
  })

  it.each([
    '',
    'gate.example',
    'gate.example:',
    'gate.example:0',
    'gate.example:65536',
    ':1',
    '[::1:1',
    'a]:1',
  ])('refuses %j', async (endpoint) => {
    await expect(resolveEndpoint(endpoint)).rejects.toThrow('no usable WireGuard endpoint')
  })

  it('names a host that has no address', async () => {
    await expect(resolveEndpoint('nowhere.invalid:1')).rejects.toThrow('"nowhere.invalid"')
  })
})
