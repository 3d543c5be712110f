import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionEvent } from '../../workers/contract/action.ts'
import { recordCredit } from '../../workers/contract/messages.ts'
import { mostTemplates, ring } from '../../workers/contract/record-ring.ts'
import { RecordRing } from '../../workers/record-ring.ts'
import { Recording } from '../../workers/recording.ts'
import { isRecordMemory, RecordReader } from './record-reader.ts'

type Opened = Extract<ActionEvent, { kind: 'opened' }>
type Closed = Extract<ActionEvent, { kind: 'closed' }>

function opened(id: string, title = 'SELECT 1', more: object = {}): Opened {
  const action = { id, flow: 'f', endpoint: 'db', protocol: 'postgres', credential: null, title, at: 1763700000000 }
  const verdict = { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
  return { kind: 'opened', action: { ...action, facts: { verb: 'select' }, unknowns: [], ...more }, verdict } as never
}

function closed(action: string, more: Partial<Closed> = {}): Closed {
  const end = { status: 'SELECT 1', error: null, bytesUp: 17, bytesDown: 66, request: null, response: null }
  return { kind: 'closed', action, ...end, at: 1763700000001, ...more } as Closed
}

function sample(text: string) {
  return { bytes: Buffer.from(text), total: text.length, sha256: null, contentType: null }
}

/** Both ends, and what went by message. */
function ends() {
  const messages: (readonly ActionEvent[])[] = []
  let told = 0
  const recording = new Recording({
    record: (events) => messages.push(events),
    tell: () => {
      told += 1
    },
  })
  return { recording, reader: new RecordReader(recording.ring.memory), messages, told: () => told }
}

/** Bytes as they would lie in the memory, and how far they are said to go. */
function forged(text: string, left = Buffer.byteLength(text)): RecordReader {
  const { memory } = new RecordRing()
  Buffer.from(memory, ring.headerBytes, ring.bytes).write(text)
  new Int32Array(memory)[ring.left] = left | 0
  return new RecordReader(memory)
}

describe('records left in shared memory', () => {
  it.each<[string, ActionEvent]>([
    ['a begin', opened('a')],
    ['a begin in other scripts', opened('a', 'SELECT „żółć“ 𝕊 \u0000 "')],
    ['a begin with shadows', opened('a', 'x', { shadows: [{ rule: 'r', would: 'deny' }], described: '{"sql":{}}' })],
    ['a ruling', { kind: 'ruled', action: 'a', ruling: opened('a').verdict } as never],
    ['an end', closed('a')],
    ['an end with rows', closed('a', { result: { rows: 2, columns: ['id', 'note'] } })],
    ['an end with rows and a body', closed('a', { result: { rows: 2, columns: null }, request: sample('ping') })],
    ['an end with words', closed('a', { status: '', error: 'not sent: "x"\n' })],
    ['an end with bodies', closed('a', { request: sample('ping'), response: sample('\u00ff\u0000pong') })],
    ['a frame', { kind: 'frame', action: 'a', direction: 'up', sample: sample('hello'), at: 5 } as never],
  ])('are read as they were: %s', (_, event) => {
    const { recording, reader, messages } = ends()
    void recording.reserve()
    recording.put(event)
    expect(reader.fetch()).toEqual([event])
    expect(messages).toEqual([])
    expect(reader.fetch()).toEqual([])
  })

  it('begin alike by reference to the first, with their own id and time', () => {
    const { recording, reader } = ends()
    const first = opened('a')
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      void recording.reserve()
      recording.putLike(first, { id: id as never, at: index as never })
    }
    const alike = (id: string, at: number) => ({ ...first, action: { ...first.action, id, at }, like: first })
    expect(reader.fetch()).toEqual([alike('a', 0), alike('b', 1), alike('c', 2)])
  })

  it('keep their meaning when more begin alike than main remembers', () => {
    const { recording, reader } = ends()
    const kinds = Array.from({ length: mostTemplates + 3 }, (_, index) => opened('x', `SELECT ${index}`))
    for (const round of [1, 2])
      for (const [index, kind] of kinds.entries()) {
        recording.ring.leaveLike(kind, { id: `${round}-${index}` as never, at: 0 as never })
        expect(reader.fetch()).toMatchObject([{ action: { id: `${round}-${index}`, title: kind.action.title } }])
      }
  })

  it('are told of once until they are fetched', () => {
    const { recording, reader, told } = ends()
    for (const id of ['a', 'b']) recording.offer(closed(id))
    expect(told()).toBe(1)
    reader.fetch()
    recording.offer(closed('c'))
    expect(told()).toBe(2)
    expect(reader.fetch()).toHaveLength(1)
  })

  it('go by message when they do not fit, and nothing overtakes them until main has read it', () => {
    const { recording, reader, messages } = ends()
    recording.offer(closed('a'))
    recording.offer(closed('b', { error: 'x'.repeat(ring.longest) }))
    recording.offer(closed('c'))
    recording.flush()
    expect(messages.flat().map((event) => (event as Closed).action)).toEqual(['b', 'c'])
    expect(reader.fetch()).toMatchObject([{ action: 'a' }])
    reader.messageRead()
    recording.offer(closed('d'))
    expect(reader.fetch()).toMatchObject([{ action: 'd' }])
  })

  it('go by message when JSON cannot say them', () => {
    const { recording, reader, messages } = ends()
    const event = opened('a', 'x', { facts: { rows: 2n ** 60n } })
    recording.offer(event)
    expect(messages).toEqual([[event]])
    expect(reader.fetch()).toEqual([])
  })

  it('go by message when the memory is full', () => {
    const { recording, reader, messages } = ends()
    const long = closed('a', { error: 'x'.repeat(ring.longest / 2) })
    let sent = 0
    while (messages.length === 0) {
      recording.offer(long)
      recording.flush()
      sent += 1
    }
    expect(reader.fetch()).toHaveLength(sent - 1)
  })

  it('are no more than the credit until they are written, and one that waits is told', async () => {
    const { recording, reader } = ends()
    let taken = 0
    for (; recording.offer(closed('a')); taken += 1) reader.fetch()
    expect(taken).toBe(recordCredit)
    expect(reader.written(0)).toBe(false)
    const room = recording.reserve()
    expect(reader.written(2)).toBe(true)
    recording.written()
    expect(reader.written(1)).toBe(true)
    recording.written()
    expect(await room).toBe(true)
    expect(reader.written(1)).toBe(false)
  })

  it('that belong together are offered all or none', () => {
    const { recording, reader } = ends()
    for (let taken = 1; taken < recordCredit; taken += 1) recording.offer(closed('a'))
    reader.fetch()
    expect(recording.offer(closed('b'), closed('c'))).toBe(false)
    reader.written(1)
    expect(recording.offer(closed('b'), closed('c'))).toBe(true)
    expect(recording.dropped).toBe(2)
  })

  it('are the same events in the same order whatever their sizes and however often main looks', () => {
    const one = fc.record({ size: fc.integer({ min: 0, max: 12_000 }), isFetched: fc.boolean(), text: fc.string() })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 120 }), (steps) => {
        const ringEnd = new RecordRing()
        const reader = new RecordReader(ringEnd.memory)
        const sent: ActionEvent[] = []
        const got: ActionEvent[] = []
        for (const { size, isFetched, text } of steps) {
          const event = closed('a', { status: text, error: 'y'.repeat(size) })
          if (ringEnd.leave(event)) sent.push(event)
          if (isFetched) got.push(...(reader.fetch() ?? []))
        }
        got.push(...(reader.fetch() ?? []))
        expect(got).toEqual(sent)
      }),
      { numRuns: 60 },
    )
  })
})

describe('memory of a thread that was taken over', () => {
  const begin = JSON.stringify(opened('a'))
  it.each([
    ['no JSON', '{,'],
    ['no record', '7,'],
    ['an event of no kind', '{"kind":"told"},'],
    ['a begin like none before', '[1,3,"a",5],'],
    ['a template beyond the last', `[0,${mostTemplates},${begin}],[1,${mostTemplates},"a",5],`],
    ['a template of something else', '[0,1,{"kind":"closed"}],'],
    ['an id that is none', `[0,1,${begin}],[1,1,{},5],`],
    ['a time that is none', `[0,1,${begin}],[1,1,"a","now"],`],
    ['a time no date can say', `[0,1,${begin}],[1,1,"a",1e999],`],
    [
      'a template longer than any',
      `[0,1,${JSON.stringify(opened('a', 'x', { facts: { a: 'y'.repeat(ring.longest) } }))}],`,
    ],
    [
      'a template with more in it than it may',
      `[0,1,${JSON.stringify(opened('a', 'x', { x: 'y'.repeat(ring.longest) }))}],`,
    ],
    [
      'a template deeper than the stack',
      `[0,1,${begin.slice(0, -1)},"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}],`,
    ],
    ['facts deeper than the stack', `${begin.replace('"select"', `${'['.repeat(50_000)}${']'.repeat(50_000)}`)},`],
    ['an end without a status', '[2,"a",7,null,0,0,5],'],
    ['a sample without bytes', '{"kind":"frame","action":"a","direction":"up","sample":{"bytes":[1],"total":1}},'],
  ])('is refused: %s', (_, text) => {
    expect(forged(text).fetch()).toBeNull()
  })

  it('is refused when it says that there is more than it holds', () => {
    expect(forged('', ring.bytes + 1).fetch()).toBeNull()
  })

  it('is read without harm whatever is in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer(), (bytes, left) => {
        const { memory } = new RecordRing()
        new Uint8Array(memory, ring.headerBytes).set(bytes)
        new Int32Array(memory)[ring.left] = left
        const found = new RecordReader(memory).fetch()
        expect(found === null || Array.isArray(found)).toBe(true)
      }),
    )
  })

  it.each([
    ['too small', new SharedArrayBuffer(64)],
    ['not shared', new ArrayBuffer(ring.headerBytes + ring.bytes)],
    ['nothing', undefined],
  ])('is not taken when it is %s', (_, memory) => {
    expect(isRecordMemory(memory)).toBe(false)
  })
})
