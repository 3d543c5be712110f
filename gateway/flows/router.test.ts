import { describe, expect, it } from 'vitest'
import { profileWith } from '../../test/support/flow-lab.ts'
import { hostIndex } from '../config/hosts.ts'
import type { ProfileView } from './identify.ts'
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

const nowhere = { names: [], unknown: new Set<string>() }

function ask(host: string, port: number, more: Partial<RouteQuestion> = {}): RouteQuestion {
  return { target: { host, port }, virtual: null, located: nowhere, serverName: undefined, ...more }
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

describe('route() for protocols that begin in their own way', () => {
  const postgres = (...hosts: string[]) => ({ protocol: 'postgres', hosts })
  const databases = profileWith('databases', {
    orders: postgres('orders.example'),
    ledger: postgres('ledger.example:6432'),
    stock: postgres('stock.example:6432'),
    literal: postgres('192.0.2.5:5433'),
    shop: ['shop.example:5432', '192.0.2.6'],
    secure: postgres('secure.example:443'),
  })
  const its = { profile: databases, index: hostIndex(databases) }
  const strict = { ...its, profile: { ...databases, unknownHost: 'deny' as const } }
  const at = (...names: string[]) => ({ located: { names, unknown: new Set<string>() } })
  const hidden = (...names: string[]) => ({ located: { names: [], unknown: new Set(names) } })

  it.each<[string, RouteQuestion, string]>([
    [
      'inspects a virtual address at once',
      ask('10.78.0.1', 5432, virtual('orders.example')),
      'inspect orders as orders.example',
    ],
    [
      'inspects another declared port',
      ask('10.78.0.2', 6432, virtual('ledger.example')),
      'inspect ledger as ledger.example',
    ],
    ['inspects it on port 443', ask('10.78.0.3', 443, virtual('secure.example')), 'inspect secure as secure.example'],
    [
      'splices other ports of a virtual address',
      ask('10.78.0.1', 5433, virtual('orders.example')),
      'splice orders.example:5433',
    ],
    ['inspects a literal address', ask('192.0.2.5', 5433), 'inspect literal as null'],
    ['inspects a literal address in a disguise', ask('64:ff9b::c000:205', 5433), 'inspect literal as null'],
    ['splices another port of a literal address', ask('192.0.2.5', 6432), 'splice 192.0.2.5:6432'],
    ['inspects an address of a name', ask(anywhere, 6432, at('ledger.example')), 'inspect ledger as null'],
    [
      'inspects it on port 443 without a ClientHello',
      ask(anywhere, 443, at('secure.example')),
      'inspect secure as null',
    ],
    [
      'tells two names at one address by the port',
      ask(anywhere, 6432, at('orders.example', 'stock.example')),
      'inspect stock as null',
    ],
    [
      'refuses where two names are at one address and port',
      ask(anywhere, 6432, at('ledger.example', 'stock.example')),
      'refuse',
    ],
    [
      'leaves an address of a name of another profile alone',
      ask(anywhere, 6432, at('mail.example')),
      `splice ${anywhere}:6432`,
    ],
    [
      'leaves an address of a name alone on another port',
      ask(anywhere, 6433, at('ledger.example')),
      `splice ${anywhere}:6433`,
    ],
    ['does not peek at a port only they declare', ask(anywhere, 6432), `splice ${anywhere}:6432`],
    ['peeks at a port an HTTP endpoint declares too', ask(anywhere, 5432), 'peek'],
    ['refuses what could be a name nobody can look up', ask(anywhere, 6432, hidden('ledger.example')), 'refuse'],
    [
      'refuses it after a ClientHello without a name',
      ask(anywhere, 5432, { ...hidden('orders.example'), serverName: null }),
      'refuse',
    ],
    [
      'splices a named host although another cannot be looked up',
      ask(anywhere, 5432, { ...hidden('orders.example'), serverName: 'free.example' }),
      'splice free.example:5432',
    ],
    [
      'splices other ports although a name cannot be looked up',
      ask(anywhere, 6433, hidden('ledger.example')),
      `splice ${anywhere}:6433`,
    ],
    [
      'splices where another profile’s name cannot be looked up',
      ask(anywhere, 6432, hidden('mail.example')),
      `splice ${anywhere}:6432`,
    ],
  ])('%s', (_what, question, expected) => {
    expect(shown(its, question)).toBe(expected)
  })

  it('says how to tell two names at one address apart', () => {
    expect(route(its, ask(anywhere, 6432, at('ledger.example', 'stock.example'))).route).toEqual({
      kind: 'refuse',
      because: `${anywhere} on port 6432 is where ledger.example and stock.example are: connect by name`,
    })
  })

  it.each<[string, RouteQuestion]>([
    ['an undeclared host on port 5433', ask(anywhere, 5433)],
    ['another port of a virtual address', ask('10.78.0.1', 5433, virtual('orders.example'))],
    ['what could be an unknown host', ask(anywhere, 6432, hidden('ledger.example'))],
  ])('refuses %s where unknown hosts are denied', (_what, question) => {
    expect(shown(strict, question)).toBe('refuse')
  })

  it('takes the address from the endpoint that declares it', () => {
    const profile = profileWith('both', { byName: postgres('orders.example'), byAddress: postgres('192.0.2.5:5432') })
    const view = { profile, index: hostIndex(profile) }
    expect(shown(view, ask('192.0.2.5', 5432, at('orders.example')))).toBe('inspect byAddress as null')
  })
})

function shown(asked: ProfileView, question: RouteQuestion): string {
  const { route: found, targetName } = route(asked, question)
  if (found.kind === 'inspect') return `inspect ${found.candidates.join(' ')} as ${targetName}`
  return found.kind === 'splice' ? `splice ${found.to.host}:${found.to.port}` : found.kind
}
