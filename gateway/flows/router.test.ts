import { describe, expect, it } from 'vitest'
import { profileWith } from '../../test/support/flow-lab.ts'
import { hostIndex } from '../config/hosts.ts'
import { type RouteQuestion, route } from './router.ts'

const endpoints = {
  api: ['api.example', '*.deep.example'],
  odd: ['odd.example:8443'],
  fixed: ['192.0.2.1', '2001:db8::1'],
}
const profile = profileWith('work', endpoints)
const view = { profile, index: hostIndex(profile) }
const denying = { profile: { ...profile, unknownHost: 'deny' as const }, index: view.index }
const empty = { profile: profileWith('empty', {}), index: hostIndex({ endpoints: [] }) }

function ask(host: string, port: number, more: Partial<RouteQuestion> = {}): RouteQuestion {
  return { target: { host, port }, virtual: null, serverName: undefined, ...more }
}

const virtual = (name: string | null) => ({ virtual: { name } })
const anywhere = '198.51.100.7'

describe('route()', () => {
  it.each<[string, RouteQuestion, string]>([
    ['answers DNS on any address', ask(anywhere, 53), 'names'],
    ['answers DNS on a virtual address', ask('10.78.0.1', 53, virtual('api.example')), 'names'],
    ['peeks at port 443', ask(anywhere, 443), 'peek'],
    ['peeks at a port an endpoint declares', ask(anywhere, 8443), 'peek'],
    ['does not peek at other ports', ask(anywhere, 22), `splice ${anywhere}:22`],
    ['inspects a name', ask(anywhere, 443, { serverName: 'api.example' }), 'inspect api as api.example'],
    ['inspects a name in other case', ask(anywhere, 443, { serverName: 'API.example' }), 'inspect api as API.example'],
    [
      'inspects below a wildcard',
      ask(anywhere, 443, { serverName: 'a.deep.example' }),
      'inspect api as a.deep.example',
    ],
    [
      'does not take the parent of a wildcard',
      ask(anywhere, 443, { serverName: 'deep.example' }),
      'splice deep.example:443',
    ],
    [
      'does not inspect a name on another port',
      ask(anywhere, 8443, { serverName: 'api.example' }),
      'splice api.example:8443',
    ],
    ['inspects a declared port', ask(anywhere, 8443, { serverName: 'odd.example' }), 'inspect odd as odd.example'],
    ['inspects an address', ask('192.0.2.1', 443, { serverName: null }), 'inspect fixed as null'],
    ['inspects an IPv6 address', ask('2001:db8::1', 443, { serverName: null }), 'inspect fixed as null'],
    [
      'inspects an address whatever its name',
      ask('192.0.2.1', 443, { serverName: 'x.example' }),
      'inspect fixed as x.example',
    ],
    [
      'puts the name before the address',
      ask('192.0.2.1', 443, { serverName: 'api.example' }),
      'inspect api as api.example',
    ],
    ['splices an unknown name', ask(anywhere, 443, { serverName: 'free.example' }), 'splice free.example:443'],
    ['splices what has no name', ask(anywhere, 443, { serverName: null }), `splice ${anywhere}:443`],
    ['refuses a virtual address of nothing', ask('10.78.9.9', 443, virtual(null)), 'refuse'],
    ['refuses another profile’s virtual address', ask('10.78.0.9', 443, virtual('mail.example')), 'refuse'],
    ['refuses it on every port', ask('10.78.0.9', 22, virtual('mail.example')), 'refuse'],
    ['peeks at a virtual address', ask('10.78.0.1', 443, virtual('api.example')), 'peek'],
    [
      'inspects a virtual address',
      ask('10.78.0.1', 443, { ...virtual('api.example'), serverName: null }),
      'inspect api as api.example',
    ],
    [
      'inspects a virtual address by an own name',
      ask('10.78.0.1', 443, { ...virtual('api.example'), serverName: 'b.deep.example' }),
      'inspect api as b.deep.example',
    ],
    [
      'refuses a foreign name on a virtual address',
      ask('10.78.0.1', 443, { ...virtual('api.example'), serverName: 'free.example' }),
      'refuse',
    ],
    ['splices other ports of a virtual address', ask('10.78.0.1', 22, virtual('api.example')), 'splice api.example:22'],
  ])('%s', (_what, question, expected) => {
    expect(shown(view, question)).toBe(expected)
  })

  it.each<[string, RouteQuestion]>([
    ['an unknown port', ask(anywhere, 22)],
    ['an unknown name', ask(anywhere, 443, { serverName: 'free.example' })],
    ['no name', ask(anywhere, 443, { serverName: null })],
    ['a port of a virtual address', ask('10.78.0.1', 22, virtual('api.example'))],
  ])('refuses %s where unknown hosts are denied', (_what, question) => {
    expect(shown(denying, question)).toBe('refuse')
  })

  it('peeks at port 443 for a profile without endpoints too, and passes its names through', () => {
    expect(shown(empty, ask(anywhere, 443))).toBe('peek')
    expect(shown(empty, ask(anywhere, 443, { serverName: 'api.example' }))).toBe('splice api.example:443')
  })
})

function shown(asked: typeof view, question: RouteQuestion): string {
  const { route: found, targetName } = route(asked, question)
  if (found.kind === 'inspect') return `inspect ${found.candidates.join(' ')} as ${targetName}`
  return found.kind === 'splice' ? `splice ${found.to.host}:${found.to.port}` : found.kind
}
