import { describe, expect, it } from 'vitest'
import { profileWith } from '../../test/support/flow-lab.ts'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import { destinationPolicy } from './destination.ts'
import type { Resolver } from './resolver.ts'
import { upstreamDial } from './upstream-dial.ts'

const known: { readonly [name: string]: readonly string[] } = {
  'public.example': ['198.51.100.7', '2001:db8::7'],
  'intranet.example': ['10.1.2.3'],
  'rebound.example': ['127.0.0.1'],
  'mixed.example': ['169.254.169.254', '198.51.100.7'],
}

const resolver: Resolver = {
  server: null,
  resolve: async (name, family) => {
    const addresses = (known[name] ?? []).filter((address) => address.includes(':') === (family === 6))
    return addresses.length > 0 ? { kind: 'found', addresses } : { kind: 'no_name' }
  },
}

/** Connects to nothing but what is in `open`; notes what was tried. */
function dialler(open: readonly string[]) {
  const tried: string[] = []
  const dial = async ({ host, port }: Address): Promise<Fd> => {
    tried.push(`${host}:${port}`)
    if (!open.includes(host)) throw new Error('connection refused')
    return 42 as Fd
  }
  const policy = destinationPolicy({ allow: [], local: () => new Set() })
  return { tried, connect: upstreamDial({ resolver, policy, dial }) }
}

const profile = profileWith('work', { api: ['public.example', '127.0.0.1'] })
const [endpoint] = profile.endpoints
if (endpoint === undefined) throw new Error('no endpoint')

describe('upstreamDial()', () => {
  it('tries the addresses of a name in turn', async () => {
    const { tried, connect } = dialler(['2001:db8::7'])
    expect(await connect(profile, endpoint, { host: 'public.example', port: 443 })).toBe(42)
    expect(tried).toEqual(['198.51.100.7:443', '2001:db8::7:443'])
  })

  it('reaches private networks by names the configuration has', async () => {
    const { connect } = dialler(['10.1.2.3'])
    expect(await connect(profile, endpoint, { host: 'intranet.example', port: 443 })).toBe(42)
  })

  it('leaves out addresses of this machine and of metadata services', async () => {
    const { tried, connect } = dialler(['198.51.100.7'])
    await connect(profile, endpoint, { host: 'mixed.example', port: 443 })
    expect(tried).toEqual(['198.51.100.7:443'])
  })

  it('dials addresses the configuration names itself', async () => {
    const { tried, connect } = dialler(['127.0.0.1', 'localhost'])
    await connect(profile, endpoint, { host: '127.0.0.1', port: 443 })
    await connect(profile, { ...endpoint, settings: { upstream: 'localhost:9000' } }, { host: 'localhost', port: 9000 })
    expect(tried).toEqual(['127.0.0.1:443', 'localhost:9000'])
  })

  it.each([
    ['a name that leads to this machine', 'rebound.example', 'CP_FORBIDDEN', 'rebound.example is at 127.0.0.1'],
    ['localhost, unless it is the upstream', 'localhost', 'CP_UPSTREAM', 'localhost has no address'],
    ['a name that is not there', 'nowhere.example', 'CP_UPSTREAM', 'nowhere.example has no address'],
    ['an upstream that is down', 'public.example', 'CP_UPSTREAM', 'cannot connect to public.example on port 443'],
  ])('fails for %s', async (_what, host, code, message) => {
    const { connect } = dialler([])
    await expect(connect(profile, endpoint, { host, port: 443 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })
})
