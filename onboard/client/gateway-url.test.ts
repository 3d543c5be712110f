import { describe, expect, it } from 'vitest'
import { isNearby, parseGatewayUrl } from './gateway-url.ts'

describe('parseGatewayUrl()', () => {
  it.each([
    ['https://gate.example', { origin: 'https://gate.example', isTls: true, host: 'gate.example' }],
    ['http://127.0.0.1:8080/', { origin: 'http://127.0.0.1:8080', isTls: false, host: '127.0.0.1' }],
    ['https://[2001:db8::1]:8443', { origin: 'https://[2001:db8::1]:8443', isTls: true, host: '2001:db8::1' }],
  ])('reads %s', (text, expected) => {
    expect(parseGatewayUrl(text)).toEqual(expected)
  })

  it.each([
    ['gate.example', 'clawpatrol join https://gate.example:8080'],
    ['gate.example:9000', 'clawpatrol join https://gate.example:9000'],
    ['https://gate.example/path', 'clawpatrol join https://gate.example'],
    ['ftp://gate.example', 'clawpatrol join https://gateway.example:8080'],
    ['https://me:pw@gate.example', 'clawpatrol join https://gateway.example:8080'],
    ['', 'clawpatrol join https://gateway.example:8080'],
    ['http://', 'clawpatrol join https://gateway.example:8080'],
  ])('refuses %s and says what to type', (text, hint) => {
    expect(() => parseGatewayUrl(text)).toThrow(expect.objectContaining({ code: 'CP_ONBOARD', hint }))
  })
})

describe('isNearby()', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '100.100.0.1',
    '169.254.1.1',
    '::1',
    'fd00::1',
    'localhost',
  ])('is true of %s', async (host) => {
    expect(await isNearby(host)).toBe(true)
  })

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', '0.0.0.0'])('is false of %s', async (host) => {
    expect(await isNearby(host)).toBe(false)
  })
})
