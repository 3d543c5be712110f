import { describe, expect, it } from 'vitest'
import { type Candidate, describeNode, findGateway } from './find-gateway.ts'

const node = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  stableId: `id-of-${name}`,
  name: `${name}.tail.test`,
  hostname: name,
  addresses: ['100.64.0.1'],
  online: true,
  user: null,
  tags: ['tag:gateway'],
  ...more,
})

describe('findGateway()', () => {
  it.each([
    ['its first name', 'gateway'],
    ['another case', 'GateWay'],
    ['its full name', 'gateway.tail.test'],
    ['its full name with a dot', 'gateway.tail.test.'],
    ['an address', '100.64.0.7'],
    ['an IPv6 address', 'fd7a:115c:a1e0::7'],
  ])('finds a node by %s', (_what, wanted) => {
    const gateway = node('gateway', { addresses: ['100.64.0.7', 'fd7a:115c:a1e0::7'] })
    expect(findGateway([node('gateway2'), node('my-gateway'), gateway, node('gateway-x')], wanted)).toBe(gateway)
  })

  it('finds a node whose name was made unique, by what it calls itself and by what it is called', () => {
    expect(findGateway([node('gateway-1')], 'gateway').name).toBe('gateway-1.tail.test')
    expect(findGateway([node('renamed', { hostname: 'gateway' })], 'gateway').name).toBe('renamed.tail.test')
  })

  it('prefers a node that is there to one that is gone', () => {
    expect(findGateway([node('gateway', { online: false }), node('gateway-1')], 'gateway').name).toBe(
      'gateway-1.tail.test',
    )
  })

  it('names every node it could be, and how to choose', () => {
    const nodes = [node('gateway-1', { user: 'ada@example.com', tags: [] }), node('gateway')]
    expect(() => findGateway(nodes, 'gateway')).toThrow(
      expect.objectContaining({
        code: 'CP_ONBOARD',
        message:
          'More than one node may be the gateway "gateway": gateway.tail.test (100.64.0.1, tag:gateway), gateway-1.tail.test (100.64.0.1, ada@example.com)',
        hint: 'say which with its full name: --name <name>',
      }),
    )
    expect(findGateway(nodes, 'gateway.tail.test')).toBe(nodes[1])
  })

  it('says when it is away and when there is none', () => {
    expect(() => findGateway([node('gateway', { online: false })], 'gateway')).toThrow('is not connected')
    expect(() => findGateway([node('gateway-a'), node('agateway')], 'gateway')).toThrow('No node named "gateway"')
    expect(() => findGateway([node('gateway')], '')).toThrow('No node named ""')
  })
})

describe('describeNode()', () => {
  it('leaves out what is not known', () => {
    expect(describeNode(node('gateway', { addresses: [], tags: [] }))).toBe('gateway.tail.test')
  })
})
