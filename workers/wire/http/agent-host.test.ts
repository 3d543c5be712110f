import { describe, expect, it } from 'vitest'
import { authorityOf, claimsHost, hostMeant, isSameAuthority, splitAuthority } from './agent-host.ts'

describe('claimsHost()', () => {
  const claim = (hosts: string[], port = 443) => ({ hosts, port, defaultPort: 443 })
  it.each([
    ['a.test', claim(['a.test']), true],
    ['a.test', claim(['a.test'], 8443), false],
    ['a.test', claim(['a.test:8443'], 8443), true],
    ['a.test', claim(['a.test:8443']), false],
    ['b.a.test', claim(['*.a.test']), true],
    ['c.b.a.test', claim(['*.a.test']), true],
    ['a.test', claim(['*.a.test']), false],
    ['xa.test', claim(['*.a.test']), false],
    ['.a.test', claim(['*.a.test']), false],
    ['192.0.2.1', claim(['192.0.2.1']), true],
    ['2001:db8::1', claim(['[2001:db8:0::1]:8443'], 8443), true],
    ['b.test', claim([]), false],
  ])('%s in %j: %s', (name, given, expected) => {
    expect(claimsHost(name, given)).toBe(expected)
  })
})

describe('hostMeant()', () => {
  it.each([
    ['192.0.2.1', ['a.test', '192.0.2.1'], '192.0.2.1'],
    ['192.0.2.9', ['*.b.test', 'b.test:8443', 'A.test', 'c.test'], 'a.test'],
    ['192.0.2.9', ['*.b.test', 'b.test:8443'], '192.0.2.9'],
  ])('%s of %j is %s', (address, hosts, expected) => {
    expect(hostMeant(address, { hosts, port: 443, defaultPort: 443 })).toBe(expected)
  })
})

describe('isSameAuthority()', () => {
  it.each([
    ['a.test', true],
    ['a.test.', true],
    ['a.test:443', true],
    ['a.test:8443', false],
    ['b.a.test', false],
    ['a.test.evil', false],
  ])('%s is a.test on 443: %s', (authority, expected) => {
    expect(isSameAuthority(authority, 'a.test', 443)).toBe(expected)
  })
})

describe('authorityOf()', () => {
  it('shows a port only where it is not the usual one, and brackets IPv6', () => {
    expect(authorityOf('a.test', 443)).toBe('a.test')
    expect(authorityOf('a.test', 8443)).toBe('a.test:8443')
    expect(authorityOf('2001:db8::1', 8443)).toBe('[2001:db8::1]:8443')
    expect(splitAuthority('[2001:db8::1]:8443')).toEqual({ host: '2001:db8::1', port: 8443 })
    expect(splitAuthority('2001:db8::1')).toEqual({ host: '2001:db8::1', port: null })
  })
})
