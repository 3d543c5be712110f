import { describe, expect, it } from 'vitest'
import type { Policy } from '../config/policy.ts'
import { destinationPolicy } from '../flows/destination.ts'
import { offeredRoutes } from './offered-routes.ts'

const always = ['0.0.0.0/0', '10.78.0.0/16', '::/0', 'fd78::/64']
const { configured } = destinationPolicy({ allow: [], local: () => new Set(['192.168.1.10']) })

const policyOf = (...profiles: (readonly string[])[]): Pick<Policy, 'profiles'> => ({
  profiles: new Map(
    profiles.map((hosts, number) => [
      `p${number}`,
      { name: `p${number}`, endpoints: [{ name: 'e', protocol: 'https', hosts }] },
    ]),
  ) as unknown as Policy['profiles'],
})
const offered = async (
  hosts: readonly string[],
  names: { readonly [name: string]: readonly string[] } = {},
  networks: string[] = [],
) =>
  offeredRoutes(policyOf(hosts), {
    lookUp: async (name) => names[name] ?? `${name} has no address`,
    configured,
    networks,
  })

describe('offeredRoutes()', () => {
  it('offers everything and the virtual addresses, and nothing else for public hosts', async () => {
    const { routes, unresolved, leftOut } = await offered(
      ['api.test', '203.0.113.7', '[2001:db8::7]:8443', '*.wild.test'],
      {
        'api.test': ['203.0.113.8', '2001:db8::8'],
      },
    )
    expect({ routes, unresolved, leftOut }).toEqual({ routes: always, unresolved: [], leftOut: 0 })
  })

  it('adds each private address of an endpoint once, written or looked up, in order', async () => {
    const { routes } = await offered(
      ['192.168.3.4:8443', '10.9.9.9', '10.2.0.1', 'db.test', '[fd00::0:5]:443', '172.17.0.1', '10.9.9.9:8080'],
      { 'db.test': ['10.9.9.9', '10.10.0.1', 'fd00::6', '198.51.100.1'] },
    )
    expect(routes).toEqual([
      '0.0.0.0/0',
      '10.2.0.1/32',
      '10.9.9.9/32',
      '10.10.0.1/32',
      '10.78.0.0/16',
      '172.17.0.1/32',
      '192.168.3.4/32',
      '::/0',
      'fd00::5/128',
      'fd00::6/128',
      'fd78::/64',
    ])
  })

  it('adds public addresses of a network this machine is in: an exit node drops those as well', async () => {
    const { routes } = await offered(['203.0.113.7', '[2001:db8::7]:443'], {}, ['203.0.113.200/24', '2001:db8::1/64'])
    expect(routes).toEqual(['0.0.0.0/0', '10.78.0.0/16', '203.0.113.7/32', '::/0', '2001:db8::7/128', 'fd78::/64'])
  })

  it('offers no way to this machine, metadata services and what names must not lead to', async () => {
    const { routes } = await offered(['evil.test', '127.0.0.1', '[::1]:443', '10.78.0.5', '0.0.0.0'], {
      'evil.test': [
        '127.0.0.1',
        '169.254.169.254',
        '::1',
        '192.168.1.10',
        'fe80::1',
        '10.78.3.3',
        '::ffff:169.254.169.254',
      ],
    })
    expect(routes).toEqual(always)
  })

  it('offers no addresses of the tailnet itself: those are reached directly', async () => {
    expect((await offered(['100.100.1.1', '[fd7a:115c:a1e0::5]:443'])).routes).toEqual(always)
  })

  it('offers a link-local address only where the configuration writes it', async () => {
    expect((await offered(['169.254.10.10'])).routes).toContain('169.254.10.10/32')
  })

  it('names what could not be looked up and goes on', async () => {
    const { routes, unresolved } = await offered(['b.test', 'a.test', 'db.test'], { 'db.test': ['10.0.0.1'] })
    expect(unresolved).toEqual(['a.test', 'b.test'])
    expect(routes).toContain('10.0.0.1/32')
  })

  it('takes the hosts of all profiles, each name looked up once', async () => {
    const asked: string[] = []
    const { routes } = await offeredRoutes(policyOf(['a.test', '10.0.0.1'], ['a.test:8443', '10.0.0.2']), {
      lookUp: async (name) => {
        asked.push(name)
        return ['10.0.0.3']
      },
      configured,
      networks: [],
    })
    expect(asked).toEqual(['a.test'])
    expect(routes).toEqual(['0.0.0.0/0', '10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32', ...always.slice(1)])
  })

  it('is bounded, and says how much did not fit; what every agent needs always does', async () => {
    const hosts = Array.from({ length: 1500 }, (_, number) => `10.5.${number >> 8}.${number & 255}`)
    const { routes, leftOut } = await offered(hosts)
    expect(routes).toHaveLength(1024)
    expect(leftOut).toBe(480)
    expect(routes).toEqual(expect.arrayContaining(always))
  })

  it('looks a few names up at once', async () => {
    let open = 0
    let mostOpen = 0
    const hosts = Array.from({ length: 200 }, (_, number) => `h${number}.test`)
    await offeredRoutes(policyOf(hosts), {
      lookUp: async () => {
        mostOpen = Math.max(mostOpen, ++open)
        await Promise.resolve()
        open -= 1
        return []
      },
      configured,
      networks: [],
    })
    expect(mostOpen).toBe(16)
  })
})
