import { once } from 'node:events'
import packet from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientHello, FlowLab, profileWith } from '../../test/support/flow-lab.ts'
import type { Profile } from '../../workers/contract/profile.ts'

const hosts = ['a.example', 'b.example', 'c.example', 'x.deep.example', '*.deep.example']
const names = ['a.example', 'b.example', 'c.example', 'x.deep.example', 'y.deep.example']

interface Tenant {
  readonly hosts: readonly string[]
  readonly isDenying: boolean
}

const tenant: fc.Arbitrary<Tenant> = fc.record({ hosts: fc.subarray(hosts), isDenying: fc.boolean() })

/** Each host an endpoint of its own, named after its profile. */
function profileOf({ hosts: own, isDenying }: Tenant, index: number): Profile {
  const endpoints = Object.fromEntries(own.map((host) => [`p${index}-${host}`, [host]]))
  return profileWith(`p${index}`, endpoints, { unknownHost: isDenying ? 'deny' : 'splice' })
}

function owns({ hosts: own }: Tenant, name: string): boolean {
  return own.includes(name) || (own.includes('*.deep.example') && name.endsWith('.deep.example'))
}

describe('devices of different profiles', () => {
  it('never get each other’s virtual addresses, names or endpoints, whatever the policies', async () => {
    const check = async (tenants: readonly Tenant[]) => {
      const profiles = tenants.map(profileOf)
      const devices = Object.fromEntries(profiles.map(({ name }, index) => [`10.77.0.${index + 2}`, { profile: name }]))
      await using lab = await FlowLab.start({ profiles, devices })
      for (const [index, who] of tenants.entries()) {
        const from = `10.77.0.${index + 2}`
        for (const name of names) {
          const query = packet.encode({ type: 'query', id: 1, questions: [{ type: 'A', name }] })
          const { answers = [] } = packet.decode(Buffer.from(await lab.tailnet.query(from, query)))
          expect(answers.length > 0).toBe(owns(who, name))
          const virtual = lab.virtual(name)
          if (virtual === 'none') continue
          const agent = await lab.tailnet.open(from, { host: virtual, port: 443 })
          agent.socket.write(clientHello(name))
          if (owns(who, name)) await once(agent.socket, 'data')
          else await agent.closed
          expect(agent.answers).toEqual(owns(who, name) ? ['peek', 'take'] : ['refuse'])
        }
      }
      for (const { flow, candidates } of lab.handedOver) {
        for (const endpoint of candidates) expect(endpoint.startsWith(`${flow.profile}-`)).toBe(true)
      }
    }
    const several = fc.array(tenant, { minLength: 2, maxLength: 4 })
    await fc.assert(fc.asyncProperty(several, check), { numRuns: 40 })
  })
})
