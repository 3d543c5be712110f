import { describe, expect, it } from 'vitest'
import { parseDuration, parseKeep } from './durations.ts'
import { parseHostPort } from './scalars.ts'
import { parseSize } from './sizes.ts'
import { didYouMean, suggest } from './suggest.ts'

describe('parseDuration()', () => {
  it.each([
    ['0', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['-2m', -120_000],
    ['+1ms', 1],
    ['1ns', 1],
    ['2500us', 3],
    ['3µs', 1],
    ['2562047h', 9_223_369_200_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    '',
    '-',
    '1',
    '30d',
    '1 h',
    'h',
    '1h-1m',
    '1.2.3s',
    '1x',
    'forever',
    '2562048h',
    '1H',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeTypeOf('string')
  })
})

describe('parseKeep()', () => {
  it.each(['off', '0', '0s', '-0h'])('keeps for ever on %s', (text) => {
    expect(parseKeep(text)).toBeNull()
  })

  it('reads a duration, and refuses a negative one', () => {
    expect(parseKeep('720h')).toBe(2_592_000_000)
    expect(parseKeep('-1h')).toMatch(/negative/)
  })
})

describe('parseSize()', () => {
  it.each([
    ['1', 1],
    ['4096B', 4096],
    ['4k', 4096],
    ['256KiB', 262_144],
    ['1 MiB', 1_048_576],
    ['2g', 2_147_483_648],
    ['+1K', 1024],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', '0', '-1K', '1.5M', '1KB', '1MB', '1XB', 'K', '1  K', '99999999999G'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeTypeOf('string')
  })
})

describe('parseHostPort()', () => {
  it('takes names, IPv4 and bracketed IPv6', () => {
    expect(parseHostPort('a.test:1')).toEqual({ host: 'a.test', port: 1 })
    expect(parseHostPort('[::1]:65535')).toEqual({ host: '::1', port: 65535 })
    expect(parseHostPort('::1:1')).toBeNull()
    expect(parseHostPort('[a]:1')).toBeNull()
    expect(parseHostPort('a.test')).toBeNull()
  })
})

describe('suggest()', () => {
  it('finds the near word and keeps quiet when none is near', () => {
    expect(suggest('stat_dir', ['state_dir', 'resolver'])).toBe('state_dir')
    expect(suggest('xyz', ['state_dir', 'resolver'])).toBeUndefined()
    expect(didYouMean('HOSTS', ['hosts'])).toBe('did you mean "hosts"?')
  })
})
