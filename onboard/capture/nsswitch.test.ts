import { describe, expect, it } from 'vitest'
import { lockNsswitch } from './nsswitch.ts'

const locked = 'hosts:      files dns'

describe('lockNsswitch()', () => {
  it.each([
    'hosts: files resolve [!UNAVAIL=return] dns',
    'hosts: mymachines files dns',
    'hosts:files mdns4_minimal [NOTFOUND=return] dns',
    '  hosts files nis dns',
    '\thosts :  files',
    'hosts:',
    'hosts',
    'hosts: files # dns',
    'hosts: files dns [SUCCESS=return]',
  ])('replaces %j', (line) => {
    expect(lockNsswitch(`passwd: files\n${line}\ngroup: files\n`)).toBe(`passwd: files\n${locked}\ngroup: files\n`)
  })

  it.each([
    'hosts: files dns',
    'hosts: dns',
    '  hosts files dns # as it should be',
    '# hosts: resolve',
    'hostsx: resolve',
    'networks: files',
  ])('keeps %j', (line) => {
    expect(lockNsswitch(`${line}\n`)).toBe(`${line}\n`)
  })

  it('replaces every definition, as the C library may use any', () => {
    expect(lockNsswitch('hosts: resolve\nhosts: nis')).toBe(`${locked}\n${locked}`)
  })
})
