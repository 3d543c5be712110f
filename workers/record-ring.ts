import type { Action, ActionEvent, Sample } from './contract/action.ts'
import { entry, mostTemplates, ring } from './contract/record-ring.ts'

type Opened = Extract<ActionEvent, { kind: 'opened' }>
/** What tells one action from others that begin alike. */
export type Begin = Pick<Action, 'id' | 'at'>

const mask = ring.bytes - 1
const space = 0x20

/** The thread's end of the memory it shares with main. */
export class RecordRing {
  readonly memory = new SharedArrayBuffer(ring.headerBytes + ring.bytes)
  readonly #words = new Int32Array(this.memory, 0, ring.headerBytes / 4)
  readonly #bytes = Buffer.from(this.memory, ring.headerBytes, ring.bytes)
  /** Position up to which it is filled. */
  #left = 0
  #templates = new WeakMap<object, number>()
  #nextTemplate = 0

  /** Leaves an event for main, which has it from then on. False: it does not fit, or not now. */
  leave(event: ActionEvent): boolean {
    const text = textOf(event)
    return text !== null && this.#write(text)
  }

  /** Like `leave`, for one that differs from an earlier one in id and time alone. */
  leaveLike(opened: Opened, { id, at }: Begin): boolean {
    const number = this.#templates.get(opened) ?? this.#define(opened)
    return number !== null && this.#write(`[${entry.opened},${number},"${id}",${at}],`)
  }

  /** Whether main is to be told that there is something. */
  mustTell(): boolean {
    return Atomics.exchange(this.#words, ring.told, 1) === 0
  }

  /** Record messages main has read, modulo 2^32. */
  get messagesRead(): number {
    return Atomics.load(this.#words, ring.read) >>> 0
  }

  /** Events written to the database, modulo 2^32. */
  get written(): number {
    return Atomics.load(this.#words, ring.written) >>> 0
  }

  /** Asks main to say so when events are written, or no longer. */
  set waits(isWaiting: boolean) {
    Atomics.store(this.#words, ring.waits, isWaiting ? 1 : 0)
  }

  #define(opened: Opened): number | null {
    if (this.#nextTemplate === mostTemplates) {
      this.#nextTemplate = 0
      this.#templates = new WeakMap()
    }
    const number = this.#nextTemplate
    const text = jsonOf(opened)
    if (text === null || !this.#write(`[${entry.template},${number},${text}],`)) return null
    this.#nextTemplate += 1
    this.#templates.set(opened, number)
    return number
  }

  #write(text: string): boolean {
    const length = Buffer.byteLength(text)
    const place = this.#left & mask
    const toEnd = ring.bytes - place
    const padding = length <= toEnd ? 0 : toEnd
    const used = (this.#left - Atomics.load(this.#words, ring.fetched)) >>> 0
    if (length > ring.longest || used + padding + length > ring.bytes) return false
    if (padding > 0) this.#bytes.fill(space, place)
    this.#bytes.write(text, padding > 0 ? 0 : place, length, 'utf8')
    this.#left = (this.#left + padding + length) >>> 0
    // only now is it there for main
    Atomics.store(this.#words, ring.left, this.#left | 0)
    return true
  }
}

function textOf(event: ActionEvent): string | null {
  if (event.kind === 'closed' && event.request === null && event.response === null) {
    const { action, status, error, bytesUp, bytesDown, at, result } = event
    const why = error === null ? 'null' : JSON.stringify(error)
    return `[${entry.closed},"${action}",${JSON.stringify(status)},${why},${bytesUp},${bytesDown},${at}${result === undefined ? '' : `,${JSON.stringify(result)}`}],`
  }
  const text = jsonOf(event)
  return text === null ? null : `${text},`
}

/** null: JSON cannot say it, or it would be too long anyway. */
function jsonOf(event: ActionEvent): string | null {
  try {
    switch (event.kind) {
      case 'frame': {
        const sample = inText(event.sample)
        return sample === null ? null : JSON.stringify({ ...event, sample })
      }
      case 'closed': {
        const [request, response] = [inText(event.request), inText(event.response)]
        if ((request === null) !== (event.request === null)) return null
        if ((response === null) !== (event.response === null)) return null
        return JSON.stringify({ ...event, request, response })
      }
      default:
        return JSON.stringify(event)
    }
  } catch {
    // a bigint among the facts
    return null
  }
}

/** A sample with its bytes in base64; null: there is none, or it is too long. */
function inText(sample: Sample | null) {
  if (sample === null || sample.bytes.length > ring.longest / 2) return null
  const { buffer, byteOffset, byteLength } = sample.bytes
  return { ...sample, bytes: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
}
