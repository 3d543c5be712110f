import { describe, expect, it } from 'vitest'
import { profileWith } from '../../test/support/flow-lab.ts'
import type { Flow, Route } from '../../workers/contract/flow.ts'
import type { EndpointName } from '../../workers/contract/ids.ts'
import { grantsOf } from './grants.ts'

const profile = profileWith('work', {
  orders: { protocol: 'postgres', hosts: ['orders.example'] },
  ledger: { protocol: 'postgres', hosts: ['ledger.example:6432', '192.0.2.5:5433'] },
})
const grants = grantsOf(profile)
const route = (...candidates: string[]): Extract<Route, { kind: 'inspect' }> => ({
  kind: 'inspect',
  candidates: candidates as EndpointName[],
})

describe('grants of a database endpoint', () => {
  it.each([
    ['its host', 'orders', 'orders.example', 5432],
    ['its host in another case', 'orders', 'ORDERS.example', 5432],
    ['its port', 'ledger', 'ledger.example', 6432],
    ['its address', 'ledger', '192.0.2.5', 5433],
  ])('let a worker dial %s', (_what, name, host, port) => {
    expect(grants.dial(route(name), name as EndpointName, { host, port })?.name).toBe(name)
  })

  it.each([
    ['another port of its host', 'orders', 'orders', 'orders.example', 5433],
    ['the host of another endpoint', 'orders', 'orders', 'ledger.example', 6432],
    ['a host of nobody', 'orders', 'orders', 'elsewhere.example', 5432],
    ['where its host is, by address', 'orders', 'orders', '10.1.0.5', 5432],
    ['the host of an endpoint its flow is not for', 'orders', 'ledger', 'ledger.example', 6432],
  ])('do not let it dial %s', (_what, candidate, name, host, port) => {
    expect(grants.dial(route(candidate), name as EndpointName, { host, port })).toBe(null)
  })

  it.each([
    ['the name it was reached by', 'orders.example', true],
    ['the address it was reached by', '10.1.0.5', true],
    ['another name of the profile', 'ledger.example', true],
    ['a name of nobody', 'elsewhere.example', false],
    ['an address of nobody', '10.1.0.6', false],
  ])('let it show a certificate for %s or not', (_what, name, isGranted) => {
    const flow = { targetName: null, target: { host: '10.1.0.5', port: 5432 } } as Flow
    expect(grants.certify(flow, name)).toBe(isGranted)
  })
})
