import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { ActionEvent } from '../../workers/contract/action.ts'
import type { FlowId } from '../../workers/contract/ids.ts'
import { type FlowTask, recordCredit } from '../../workers/contract/messages.ts'
import { RecordRing } from '../../workers/record-ring.ts'
import { Rates } from '../rates.ts'
import { ThreadHost } from './host.ts'

const rates = new Rates()
let ports: readonly MessagePort[] = []

afterEach(() => {
  for (const port of ports) port.close()
})

function begin(id: string, flow = 'f'): ActionEvent {
  const action = { id, flow, endpoint: 'db', protocol: 'postgres', credential: null, title: 'SELECT 1', at: 5 }
  const verdict = { kind: 'allow', decider: { by: 'rule', rule: 'reads' } }
  return { kind: 'opened', action: { ...action, facts: {}, unknowns: [] }, verdict } as never
}

function end(action: string): ActionEvent {
  const bytes = { bytesUp: 0, bytesDown: 0, request: null, response: null }
  return { kind: 'closed', action, status: 'ok', error: null, ...bytes, at: 6 } as never
}

/** What a thread left and sent before main looks; the thread serves flow `f` once it has said so. */
function aThread() {
  const { port1, port2 } = new MessageChannel()
  ports = [port1, port2]
  const ring = new RecordRing()
  const [written, violations]: [string[], string[]] = [[], []]
  const flow = { id: 'f' as FlowId, profile: 'agents' }
  const task = { flow, route: { kind: 'inspect', candidates: ['db'] } } as unknown as FlowTask
  let [isStarted, looks] = [false, 0]
  const owner = {
    rates,
    services: {
      recorderHealthy: () => true,
      record: (_: unknown, events: readonly ActionEvent[]) => {
        for (const event of events)
          written.push(`${event.kind} ${event.kind === 'opened' ? event.action.id : event.action}`)
        return Promise.resolve()
      },
    },
    taskOn: (_: unknown, id: FlowId) => {
      looks += 1
      return id === 'f' && isStarted ? task : null
    },
    started: (_: unknown, id: FlowId) => {
      isStarted ||= id === 'f'
      return id === 'f'
    },
    violated: (_: unknown, __: unknown, what: string) => violations.push(what),
  }
  const host = () =>
    new ThreadHost(
      { port: port1, records: ring.memory },
      1,
      owner as unknown as ConstructorParameters<typeof ThreadHost>[2],
    )
  return { port: port2, ring, host, written, violations, looks: () => looks }
}

describe('what a thread recorded', () => {
  it('is of its flow, though the message that it started is read after it', async () => {
    const { port, ring, host, written, violations } = aThread()
    port.postMessage({ kind: 'pong', seq: 1, externalBytes: 0 })
    port.postMessage({ kind: 'started', flow: 'f' })
    ring.leave(begin('a'))
    port.postMessage({ kind: 'record', events: [end('a')] })
    host()
    await expect.poll(() => written).toEqual(['opened a', 'closed a'])
    expect(violations).toEqual([])
  })

  it('is not lost with the thread, though nothing was read of it', () => {
    const { port, host, written, violations } = aThread()
    port.postMessage({ kind: 'started', flow: 'f' })
    port.postMessage({ kind: 'record', events: [begin('a'), end('a'), begin('b')] })
    port.postMessage({ kind: 'record', events: [begin('c'), end('b')] })
    host().gone('the thread ended')
    expect(written).toEqual(['opened a', 'closed a', 'opened b', 'opened c', 'closed b', 'closed c'])
    expect(violations).toEqual([])
  })

  it('stands when what follows is of another flow', async () => {
    const { port, host, written, violations } = aThread()
    host()
    port.postMessage({ kind: 'started', flow: 'f' })
    port.postMessage({ kind: 'record', events: [begin('a'), end('b')] })
    await expect.poll(() => violations).toEqual(['recorded a closed event of another flow'])
    expect(written).toEqual(['opened a'])
  })
})

describe('a thread that was taken over', () => {
  it('leaves no more actions open than one may', async () => {
    const { port, host, written, violations } = aThread()
    host()
    port.postMessage({ kind: 'started', flow: 'f' })
    for (let part = 0; part < 4; part += 1)
      port.postMessage({
        kind: 'record',
        events: Array.from({ length: recordCredit / 4 }, (_, n) => begin(`${part}-${n}`)),
      })
    await expect.poll(() => written.length).toBe(recordCredit)
    port.postMessage({ kind: 'record', events: [begin('last')] })
    await expect.poll(() => violations).toEqual(['left more actions open than it may'])
  })

  it('cannot have main read messages for ever by recording something of no flow', async () => {
    const { port, ring, host, violations, looks } = aThread()
    for (let seq = 0; seq < 20_000; seq += 1) port.postMessage({ kind: 'pong', seq, externalBytes: 0 })
    ring.leave(begin('a', 'nobody'))
    const seen = host()
    await expect.poll(() => seen.lastPong).toBe(19_999)
    expect(violations).toEqual(['recorded a opened event of another flow'])
    expect(looks()).toBeLessThan(17_000)
  })

  it('does no harm with a message that only its own stack is deep enough for', async () => {
    const { port, ring, host, violations } = aThread()
    const worker = new Worker(
      `require('node:worker_threads').parentPort.once('message', ({ port }) => {
        let events = null
        for (let depth = 0; depth < 9000; depth += 1) events = [events]
        port.postMessage({ kind: 'record', events })
        process.exit()
      })`,
      { eval: true, resourceLimits: { stackSizeMb: 8 } },
    )
    worker.postMessage({ port }, [port])
    await once(worker, 'exit')
    ring.leave(begin('a', 'nobody'))
    expect(() => host().gone('the thread ended')).not.toThrow()
    expect(violations).toContain('recorded a opened event of another flow')
  })
})
