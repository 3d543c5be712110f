import type { ActionEvent, RecordedAction } from '../../workers/contract/action.ts'
import type { ActionId, EpochMs } from '../../workers/contract/ids.ts'
import { entry, mostTemplates, ring } from '../../workers/contract/record-ring.ts'
import { isEvent, isTime } from './message-check.ts'
import { isPlainData } from './plain-data.ts'

type Opened = Extract<ActionEvent, { kind: 'opened' }>

const mask = ring.bytes - 1

/** Whether a thread may have sent this as the memory it leaves its records in. */
export function isRecordMemory(memory: unknown): memory is SharedArrayBuffer {
  return memory instanceof SharedArrayBuffer && memory.byteLength === ring.headerBytes + ring.bytes
}

/**
 * Main's end of the memory that a thread leaves its records in. The thread may write anything there at any time, so
 * what is judged is a copy, and no position of ours is read back.
 */
export class RecordReader {
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #templates = new Map<number, Opened>()
  #fetched = 0
  #read = 0
  #written = 0

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, ring.headerBytes / 4)
    this.#bytes = new Uint8Array(memory, ring.headerBytes, ring.bytes)
  }

  /** What was left since it was last asked, in order; null: something that is no record. */
  fetch(): readonly ActionEvent[] | null {
    // before it looks: the thread tells of whatever comes later
    Atomics.store(this.#words, ring.told, 0)
    const length = (Atomics.load(this.#words, ring.left) - this.#fetched) >>> 0
    if (length === 0) return none
    if (length > ring.bytes) return null
    const from = this.#fetched & mask
    const end = Math.min(from + length, ring.bytes)
    const text = textOf(this.#bytes.subarray(from, end)) + textOf(this.#bytes.subarray(0, length - (end - from)))
    this.#fetched = (this.#fetched + length) >>> 0
    Atomics.store(this.#words, ring.fetched, this.#fetched | 0)
    return this.#eventsIn(text)
  }

  /** A record message was read. */
  messageRead(): void {
    this.#read = (this.#read + 1) >>> 0
    Atomics.store(this.#words, ring.read, this.#read | 0)
  }

  /** Events of the thread were written. Whether it waits to be told. */
  written(events: number): boolean {
    this.#written = (this.#written + events) >>> 0
    Atomics.store(this.#words, ring.written, this.#written | 0)
    return Atomics.load(this.#words, ring.waits) !== 0
  }

  #eventsIn(text: string): readonly ActionEvent[] | null {
    let values: readonly unknown[]
    try {
      values = JSON.parse(`[${text}0]`) as readonly unknown[]
    } catch {
      return null
    }
    const events: ActionEvent[] = []
    for (let index = 0; index < values.length - 1; index += 1) {
      const value = values[index]
      if (isTemplate(value)) {
        this.#templates.set(value[1], value[2])
        continue
      }
      const event = Array.isArray(value) ? this.#shortEvent(value) : longEvent(value)
      if (event === null) return null
      events.push(event)
    }
    return events
  }

  #shortEvent(value: readonly unknown[]): ActionEvent | null {
    if (value[0] === entry.opened) {
      const [, number, id, at] = value
      const template = this.#templates.get(number as number)
      if (template === undefined || !isShortId(id) || !isTime(at)) return null
      // not in the literal: defining a property anew is slow
      const action: { -readonly [K in keyof RecordedAction]: RecordedAction[K] } = { ...template.action }
      action.id = id as ActionId
      action.at = at as EpochMs
      return { kind: 'opened', action, verdict: template.verdict, like: template }
    }
    if (value[0] !== entry.closed) return null
    const [, action, status, error, bytesUp, bytesDown, at, result] = value
    const ended = { kind: 'closed', action, status, error, bytesUp, bytesDown, request: null, response: null, at }
    const event = result === undefined ? ended : { ...ended, result }
    return isEvent(event) ? event : null
  }
}

const none: readonly ActionEvent[] = []

/** A copy first: text is made in two passes, between which the thread could change it. */
function textOf(shared: Uint8Array): string {
  return shared.length === 0 ? '' : Buffer.from(shared).toString('utf8')
}

function isTemplate(value: unknown): value is readonly [number, number, Opened] {
  if (!Array.isArray(value) || value[0] !== entry.template) return false
  const [, number, event] = value
  if (!Number.isInteger(number) || number < 0 || number >= mostTemplates) return false
  // templates are kept: what no ring of ours would hold must not fill main's memory
  if (!isEvent(event) || event.kind !== 'opened') return false
  return isPlainData(event) && JSON.stringify(event).length <= ring.longest
}

function isShortId(id: unknown): id is string {
  return typeof id === 'string' && id.length > 0 && id.length <= 64
}

/** An event as it is, but for the bytes of samples. */
function longEvent(value: unknown): ActionEvent | null {
  if (typeof value !== 'object' || value === null) return null
  const event = value as { readonly [name: string]: unknown }
  const whole =
    event.kind === 'frame'
      ? { ...event, sample: withBytes(event.sample) }
      : event.kind === 'closed'
        ? { ...event, request: withBytes(event.request), response: withBytes(event.response) }
        : event
  return isEvent(whole) ? whole : null
}

function withBytes(sample: unknown): unknown {
  if (typeof sample !== 'object' || sample === null) return sample
  const { bytes } = sample as { readonly bytes?: unknown }
  return typeof bytes === 'string' ? { ...sample, bytes: Buffer.from(bytes, 'base64') } : sample
}
