import { PassThrough } from 'node:stream'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EndpointName } from './contract/ids.ts'
import type { FlowTask, ToHost } from './contract/messages.ts'
import type { Endpoint, Profile } from './contract/profile.ts'
import { HostLink } from './host.ts'
import { CurrentProfile } from './profile.ts'
import { FlowSession } from './session.ts'

let ports: readonly MessagePort[] = []

afterEach(() => {
  vi.useRealTimers()
  for (const port of ports) port.close()
})

function aProfile(revision: string, when: string | null, outcome: object = { do: 'allow' }): Profile {
  const rule = { name: 'few', priority: 0, when, credential: null, outcome, mode: 'enforce' }
  const endpoint = { name: 'api', protocol: 'https', rules: [rule], unmatched: 'deny' } as unknown as Endpoint
  return { name: 'agents', revision, endpoints: [endpoint] } as unknown as Profile
}

/** A session on a thread whose main answers calls with what `answer` makes of them. */
function aSession(profile: Profile, answer: (message: ToHost, main: MessagePort) => void): FlowSession {
  const { port1: main, port2 } = new MessageChannel()
  ports = [main, port2]
  const host = new HostLink(port2)
  const current = new CurrentProfile(host)
  host.onProfile(profile)
  main.on('message', (message: ToHost) => answer(message, main))
  const flow = { id: 'f', profile: 'agents', peer: { node: 'laptop' } }
  return new FlowSession({
    host,
    current,
    task: { flow } as unknown as FlowTask,
    endpoint: 'api' as EndpointName,
    client: new PassThrough(),
    limits: { sampleBytes: 0 } as FlowSession['limits'],
    signal: new AbortController().signal,
  })
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const seen = { title: 'GET /', facts: { http: { method: 'get' } }, unknowns: [], record: {}, credential: null }
const few = aProfile('1', "rate('n', '1h') < 3")

describe('an action whose counters are read', () => {
  it('is judged by the policy that came meanwhile, and not counted by the one before', async () => {
    const settled: unknown[] = []
    const session = aSession(few, (message, main) => {
      if (message.kind === 'rated') settled.push(message.counted)
      if (message.kind !== 'call') return
      main.postMessage({ kind: 'profile', profile: aProfile('2', null, { do: 'deny', reason: 'closed now' }) })
      main.postMessage({ kind: 'reply', id: message.id, value: { ticket: 1, counts: [0] } })
    })
    const { ruling } = await session.judge(seen)
    expect(ruling).toMatchObject({ kind: 'deny', reason: 'closed now', decider: { by: 'rule', rule: 'few' } })
    await vi.waitFor(() => expect(settled).toEqual([[false]]))
  })

  it('is denied and not recorded when its flow ended meanwhile: main knows the flow no more', async () => {
    const told: string[] = []
    const session = aSession(few, (message, main) => {
      told.push(message.kind)
      if (message.kind !== 'call') return
      session.closeRest('the flow ended')
      main.postMessage({ kind: 'reply', id: message.id, value: { ticket: 1, counts: [0] } })
    })
    expect((await session.judge(seen)).ruling).toMatchObject({ kind: 'deny', decider: { cause: 'endpoint_gone' } })
    session.refuse('GET /', 'malformed', {})
    await vi.waitFor(() => expect(told).toEqual(['call', 'rated']))
  })

  it('is denied where the policy changes again and again', async () => {
    let revision = 1
    const session = aSession(few, (message, main) => {
      if (message.kind !== 'call') return
      revision += 1
      main.postMessage({ kind: 'profile', profile: { ...aProfile(String(revision), "rate('n', '1h') < 3") } })
      main.postMessage({ kind: 'reply', id: message.id, value: { ticket: revision, counts: [0] } })
    })
    expect((await session.judge(seen)).ruling).toMatchObject({ kind: 'deny', decider: { cause: 'endpoint_gone' } })
    expect(revision).toBe(4)
  })

  it('is denied when main does not answer in time, and gives back what still comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let late: (() => void) | undefined
    const asked = deferred<void>()
    const settled = deferred<unknown>()
    const session = aSession(few, (message, main) => {
      if (message.kind === 'rated') settled.resolve(message)
      if (message.kind !== 'call') return
      late = () => main.postMessage({ kind: 'reply', id: message.id, value: { ticket: 7, counts: [0] } })
      asked.resolve()
    })
    const judged = session.judge(seen)
    await asked.promise
    await vi.advanceTimersByTimeAsync(5001)
    expect((await judged).ruling).toMatchObject({ kind: 'deny', decider: { cause: 'unevaluable', rule: 'few' } })
    late?.()
    expect(await settled.promise).toEqual({ kind: 'rated', ticket: 7, counted: [false] })
  })
})
