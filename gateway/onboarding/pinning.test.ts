import { describe, expect, it } from 'vitest'
import { checkPin, comparable, pairOf, publicAddresses } from './pinning.ts'

const only4 = { external4: '198.51.100.7', external6: null }
const both = { external4: '198.51.100.7', external6: '2001:db8::7' }

describe('checkPin()', () => {
  it.each([
    ['the registered address', only4, ['198.51.100.7']],
    ['the same address as IPv6 spells it', only4, ['::ffff:198.51.100.7']],
    ['the registered IPv6 address in another spelling', both, ['2001:DB8:0::7']],
    ['both', both, ['2001:db8::7', '198.51.100.7']],
  ])('is content with %s', (_what, pair, observed) => {
    expect(checkPin('enforce', pair, observed)).toEqual({ kind: 'fits' })
  })

  it.each([
    ['another IPv4 address', both, '198.51.100.8'],
    ['another IPv6 address', both, '2001:db8::8'],
    ['an IPv6 address where only IPv4 is registered', only4, '2001:db8::7'],
    ['an IPv4 address where only IPv6 is registered', { external4: null, external6: '2001:db8::7' }, '198.51.100.7'],
    ['what is no address', only4, 'x'],
  ])('finds %s', (_what, pair, observed) => {
    const because = expect.stringContaining(observed)
    expect(checkPin('enforce', pair, [observed])).toEqual({ kind: 'deviates', act: 'block', because })
    expect(checkPin('warn', pair, [observed])).toEqual({ kind: 'deviates', act: 'warn', because })
    expect(checkPin('off', pair, [observed])).toEqual({ kind: 'fits' })
  })

  it('finds one stranger among addresses that fit', () => {
    expect(checkPin('enforce', only4, ['198.51.100.7', '198.51.100.9']).kind).toBe('deviates')
  })

  it('names every address that does not fit, once', () => {
    expect(checkPin('warn', both, ['198.51.100.8', '::ffff:198.51.100.8', '198.51.100.7', '2001:db8::8'])).toEqual({
      kind: 'deviates',
      act: 'warn',
      because: 'the device joined from 198.51.100.7 and 2001:db8::7 and is at 198.51.100.8 and 2001:db8::8',
    })
  })

  it('claims nothing without a pair or without a look', () => {
    expect(checkPin('enforce', { external4: null, external6: null }, ['198.51.100.7'])).toEqual({ kind: 'unknown' })
    expect(checkPin('enforce', only4, [])).toEqual({ kind: 'unknown' })
  })
})

describe('pairOf()', () => {
  it.each([
    ['one address', ['198.51.100.7'], '198.51.100.7', null],
    ['an IPv4 address as IPv6 spells it', ['::ffff:198.51.100.7'], '198.51.100.7', null],
    [
      'the first of each family',
      ['2001:DB8::7', '198.51.100.7', '2001:db8::8', '198.51.100.8'],
      '198.51.100.7',
      '2001:db8::7',
    ],
    ['what is no address', ['', 'x'], null, null],
  ])('takes %s', (_what, addresses, external4, external6) => {
    expect(pairOf(addresses)).toEqual({ external4, external6 })
  })
})

describe('comparable()', () => {
  it('compares like with like: the internet with the internet, home with everything', () => {
    const seen = ['192.168.1.5', '8.8.8.8', '2606:4700::1']
    expect(comparable({ external4: '9.9.9.9', external6: null }, seen)).toEqual(['8.8.8.8', '2606:4700::1'])
    expect(comparable({ external4: '192.168.1.5', external6: null }, seen)).toEqual(seen)
    expect(comparable({ external4: null, external6: null }, seen)).toEqual(seen)
  })
})

describe('publicAddresses()', () => {
  it('leaves out what a node is called at home, on itself and in its tailnet', () => {
    const home = [
      '192.168.1.5',
      '10.0.0.1',
      '172.16.0.1',
      '127.0.0.1',
      '169.254.1.1',
      '100.64.0.7',
      'fe80::1',
      '::1',
      'x',
    ]
    expect(publicAddresses([...home, '1.1.1.1', '2606:4700::1'])).toEqual(['1.1.1.1', '2606:4700::1'])
  })
})
