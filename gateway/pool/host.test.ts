import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { EndpointName, FlowId } from '../../workers/contract/ids.ts'
import type { Control, FlowTask } from '../../workers/contract/messages.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import type { RateCounter } from '../../workers/contract/verdict.ts'
import { RecordRing } from '../../workers/record-ring.ts'
import { Rates } from '../rates.ts'
import { grantsOf } from './grants.ts'
import { ThreadHost } from './host.ts'

const named = { name: 'n', windowMs: 3_600_000, per: 'device' } as const
const flow = { id: 'f' as FlowId, profile: 'agents', peer: { device: 'd' } }
const route = { kind: 'inspect', candidates: ['api' as EndpointName] }

/** A profile whose rule names one counter on an endpoint of the flow, and another on one that is not. */
function aProfile(when: string): Profile {
  const rule = (source: string) => ({ name: 'few', priority: 0, when: source, credential: null, mode: 'enforce' })
  const endpoint = (name: string, source: string) => ({
    ...{ name, protocol: 'https', hosts: [], settings: {}, credentials: [] },
    rules: [{ ...rule(source), outcome: { do: 'allow' } }],
  })
  const endpoints = [endpoint('api', when), endpoint('other', "rate('elsewhere', '1h') < 3")]
  return { name: 'agents', revision: '1', endpoints } as unknown as Profile
}

let thread: MessagePort | undefined
let rates = new Rates()

afterEach(() => {
  thread?.close()
  rates[Symbol.dispose]()
  rates = new Rates()
})

/** Main's side of a thread that serves one flow; `violations`: what it did that it must not. */
function aHost(profiles: readonly Profile[]): { readonly port: MessagePort; readonly violations: string[] } {
  const { port1, port2 } = new MessageChannel()
  const violations: string[] = []
  const task = { flow, route } as unknown as FlowTask
  const owner = {
    services: { recorderHealthy: () => true },
    rates,
    grants: () => profiles.map(grantsOf),
    taskOn: (_: unknown, id: FlowId) => (id === flow.id ? task : null),
    started: () => true,
    violated: (_: unknown, __: unknown, what: string) => violations.push(what),
  }
  new ThreadHost(
    { port: port1, records: new RecordRing().memory },
    1,
    owner as unknown as ConstructorParameters<typeof ThreadHost>[2],
  )
  thread = port2
  return { port: port2, violations }
}

async function read(port: MessagePort, counters: readonly RateCounter[]): Promise<Control> {
  port.postMessage({ kind: 'call', id: 1, call: { name: 'rates', flow: flow.id, request: { counters } } })
  for (;;) {
    const [message] = (await once(port, 'message')) as [Control]
    if (message.kind === 'reply' || message.kind === 'failed') return message
  }
}

describe('a thread that reads counters', () => {
  const enforced = aProfile("rate('n', '1h') < 3")

  it('is given those that rules of its endpoints name', async () => {
    const { port, violations } = aHost([enforced])
    expect(await read(port, [named])).toMatchObject({ kind: 'reply', value: { counts: [0] } })
    expect(violations).toEqual([])
  })

  it.each<[string, RateCounter]>([
    ['of another name', { ...named, name: 'forged' }],
    ['of another window', { ...named, windowMs: 1000 }],
    ['of the whole profile', { ...named, per: 'profile' }],
    ['of an endpoint that is not the flow’s', { ...named, name: 'elsewhere' }],
  ])('does what it must not when it asks for one %s', async (_, counter) => {
    const { port, violations } = aHost([enforced])
    expect(await read(port, [counter])).toMatchObject({ kind: 'failed', fault: { code: 'CP_FORBIDDEN' } })
    expect(violations).toEqual(['asked for counters no rule of its endpoints names'])
    expect(rates.size).toBe(0)
  })

  it('may still ask for those of the revision before', async () => {
    const { port, violations } = aHost([aProfile('true'), enforced])
    expect((await read(port, [named])).kind).toBe('reply')
    expect(violations).toEqual([])
  })

  it('does what it must not when it asks for more than an endpoint may have', async () => {
    const { port, violations } = aHost([enforced])
    const counters = Array.from({ length: 65 }, () => named)
    port.postMessage({ kind: 'call', id: 1, call: { name: 'rates', flow: flow.id, request: { counters } } })
    await expect.poll(() => violations).toEqual(['sent a malformed message'])
  })
})
