import { describe, expect, it } from 'vitest'
import { ClawError } from '../../workers/contract/errors.ts'
import { parseGatewayUrl } from './gateway-url.ts'
import { adviseLogin, isTailnetShaped } from './tailnet-shape.ts'

describe('isTailnetShaped()', () => {
  it.each([
    '100.64.0.1',
    '100.127.255.254',
    'fd7a:115c:a1e0::1',
    'gw.tail1234.ts.net',
    'GW.Tail1234.TS.net.',
  ])('takes %s for an address inside a tailnet', (host) => expect(isTailnetShaped(host)).toBe(true))
  it.each([
    '100.63.0.1',
    '100.128.0.1',
    '192.168.1.5',
    'fd00::1',
    'ts.net.example',
    'notts.net',
    'gateway',
  ])('does not take %s for one', (host) => expect(isTailnetShaped(host)).toBe(false))
})

describe('adviseLogin()', () => {
  const inside = parseGatewayUrl('http://100.64.0.1:8080')
  const failure = (cause: unknown) => new ClawError('CP_ONBOARD', 'Cannot reach it', { cause, hint: 'as before' })
  const withCode = (code: string) => Object.assign(new Error('x'), { code })

  it.each([
    withCode('ECONNREFUSED'),
    withCode('EHOSTUNREACH'),
    withCode('ENOTFOUND'),
    new Error('no answer in 10 s'),
  ])('says what gets there after %s', (cause) => {
    expect(adviseLogin(inside, failure(cause))).toMatchObject({
      code: 'CP_ONBOARD',
      message: 'Cannot reach it',
      hint: 'that is an address inside a tailnet; if this machine is not in it: clawpatrol login --url http://100.64.0.1:8080',
    })
  })

  it.each([
    ['other hosts', parseGatewayUrl('http://192.168.1.5:8080'), failure(withCode('ECONNREFUSED'))],
    ['a gateway that answered', inside, failure(withCode('DEPTH_ZERO_SELF_SIGNED_CERT'))],
    ['a gateway that cannot prove itself', inside, failure(failure(withCode('ECONNREFUSED')))],
    ['what had no cause', inside, failure(undefined)],
    ['other errors', inside, new Error('x')],
  ])('leaves alone %s', (_what, url, error) => {
    expect(adviseLogin(url, error)).toBe(error)
  })
})
