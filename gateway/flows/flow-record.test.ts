import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ActionEvent } from '../../workers/contract/action.ts'
import { FlowRecord, type RecordPort, towards } from './flow-record.ts'

const what = towards(null, 'relay', { host: '2001:db8::7', port: 22 }, { address: '2001:db8::7' })
const ending = { status: 'closed', error: null, bytesUp: 1, bytesDown: 2 }

/** A recorder that commits when it is told to. */
function slowRecorder() {
  const events: ActionEvent[] = []
  const commits: ((error?: Error) => void)[] = []
  const port: RecordPort = {
    recorderHealthy: () => true,
    record: (_flow, added) =>
      new Promise((resolve, reject) => {
        commits.push((error) => {
          if (error !== undefined) return reject(error)
          events.push(...added)
          resolve()
        })
      }),
  }
  return { port, events, commit: (error?: Error) => commits.shift()?.(error) }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('FlowRecord', () => {
  it('admits nothing before its record is committed', async () => {
    const { port, events, commit } = slowRecorder()
    const admitted = new FlowRecord(port).admit(what)
    commit()
    const end = await admitted
    expect(events).toMatchObject([
      { kind: 'opened', action: { title: 'TCP [2001:db8::7]:22', endpoint: null }, verdict: { kind: 'allow' } },
    ])
    end?.(ending)
    commit()
    await Promise.resolve()
    expect(events[1]).toMatchObject({ kind: 'closed', status: 'closed', bytesUp: 1, bytesDown: 2 })
  })

  it('does not admit what cannot be recorded', async () => {
    const { port, commit } = slowRecorder()
    expect(await new FlowRecord({ ...port, recorderHealthy: () => false }).admit(what)).toBeNull()
    const record = new FlowRecord(port)
    const admitted = record.admit(what)
    commit(new Error('disk full'))
    expect(await admitted).toBeNull()
    expect(record.unrecorded).toBe(1)
  })

  it('does not admit what is recorded too late, and ends it in the record', async () => {
    vi.useFakeTimers()
    const { port, events, commit } = slowRecorder()
    const admitted = new FlowRecord(port).admit(what)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await admitted).toBeNull()
    commit()
    await vi.advanceTimersByTimeAsync(0)
    commit()
    expect(events).toMatchObject([{ kind: 'opened' }, { kind: 'closed', status: 'error', error: 'not begun' }])
  })

  it('bounds what is on its way', async () => {
    const { port } = slowRecorder()
    const record = new FlowRecord(port)
    for (let count = 0; count < 4096; count += 1) record.refused(what, `reason ${count}`)
    expect(record.unrecorded).toBe(0)
    record.refused(what, 'one more')
    expect(record.unrecorded).toBe(1)
    expect(await record.admit(what)).toBeNull()
  })

  it('records the same cheap refusal once in a while', () => {
    vi.useFakeTimers()
    let written = 0
    const record = new FlowRecord({
      recorderHealthy: () => true,
      record: async (_flow, added) => {
        written += added.length
      },
    })
    for (let count = 0; count < 50; count += 1) record.refused(what, 'no')
    record.refused(what, 'another reason')
    expect({ written, repeated: record.repeated }).toEqual({ written: 4, repeated: 49 })
    vi.advanceTimersByTime(10_001)
    record.refused(what, 'no')
    expect(written).toBe(6)
  })
})
