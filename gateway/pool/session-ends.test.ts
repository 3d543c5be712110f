import { PassThrough } from 'node:stream'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, expect, it } from 'vitest'
import type { ActionEvent } from '../../workers/contract/action.ts'
import type { EndpointName } from '../../workers/contract/ids.ts'
import type { FlowTask, ToHost } from '../../workers/contract/messages.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { HostLink } from '../../workers/host.ts'
import { CurrentProfile } from '../../workers/profile.ts'
import { FlowSession } from '../../workers/session.ts'
import { isToHost } from './message-check.ts'
import { RecordReader } from './record-reader.ts'

let ports: readonly MessagePort[] = []

afterEach(() => {
  for (const port of ports) port.close()
})

/** A session that allows everything, and all that main would take of its record. */
function aSession() {
  const { port1: main, port2 } = new MessageChannel()
  ports = [main, port2]
  const host = new HostLink(port2)
  const current = new CurrentProfile(host)
  const endpoint = { name: 'db', protocol: 'clickhouse', rules: [], unmatched: 'allow' } as unknown as Endpoint
  host.onProfile({ name: 'agents', revision: '1', endpoints: [endpoint] } as unknown as Profile)
  const taken: ActionEvent[] = []
  const reader = new RecordReader(host.recording.ring.memory)
  main.on('message', (message: ToHost) => {
    expect(isToHost(message)).toBe(true)
    taken.push(...(reader.fetch() ?? []))
    if (message.kind === 'record') taken.push(...message.events)
  })
  const session = new FlowSession({
    host,
    current,
    task: { flow: { id: 'f', profile: 'agents', peer: { node: 'laptop' } } } as unknown as FlowTask,
    endpoint: 'db' as EndpointName,
    client: new PassThrough(),
    limits: { sampleBytes: 0 } as FlowSession['limits'],
    signal: new AbortController().signal,
  })
  return { session, taken }
}

const seen = { title: 'SELECT', facts: {}, unknowns: [], record: {}, credential: null }
const bytes = { bytesUp: 0, bytesDown: 0, request: null, response: null }
const long = 'x'.repeat(20_000)

it.each([
  ['more columns than are named', Array.from({ length: 100 }, (_, index) => `c${index}`)],
  ['columns with long names', [long]],
])('an action that ends with %s is recorded', async (_, columns) => {
  const { session, taken } = aSession()
  const { action } = await session.judge(seen)
  session.close(action, { ...bytes, status: 'SELECT 1', error: null, result: { rows: 1, columns } })
  await expect.poll(() => taken).toMatchObject([{ kind: 'opened' }, { kind: 'closed', result: { rows: 1 } }])
})

it('an action whose title, status and cause are long is recorded', async () => {
  const { session, taken } = aSession()
  const { action } = await session.judge({ ...seen, title: long })
  session.close(action, { ...bytes, status: long, error: long })
  session.refuse(long, long, {})
  await expect.poll(() => taken.map(({ kind }) => kind)).toEqual(['opened', 'closed', 'opened', 'closed'])
})
