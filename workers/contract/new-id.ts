let lastMs = 0
let timeText = ''
let sequence = 0

/** Random bytes are drawn for many ids at once: each call into the system costs more than an id. */
const drawn = new Uint8Array(10 * 256)
let used = drawn.length
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A UUIDv7: sorts by time of creation, and within one thread in the order of creation.
 * @see RFC 9562 section 6.2, method 1: `rand_a` counts within a millisecond
 */
export function newId(): string {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn)
    used = 0
  }
  const at = used
  used += 10
  step(((at8(at + 8) << 8) | at8(at + 9)) & 0x7ff)
  const variant = 0x80 | (at8(at) & 0x3f)
  const counter = sequence.toString(16).padStart(3, '0')
  return `${timeText}-7${counter}-${text(variant)}${text(at8(at + 1))}-${tail(at + 2)}`
}

/** Moves time and counter on. @param start where the counter begins in a new millisecond; there is room above it */
function step(start: number): void {
  const now = Date.now()
  if (now > lastMs) {
    setTime(now)
    sequence = start
    return
  }
  sequence += 1
  // also when the clock was set back: ids never go back with it
  if (sequence > 0xfff) {
    setTime(lastMs + 1)
    sequence = 0
  }
}

function setTime(ms: number): void {
  lastMs = ms
  const time = ms.toString(16).padStart(12, '0')
  timeText = `${time.slice(0, 8)}-${time.slice(8)}`
}

function tail(from: number): string {
  let all = ''
  for (let at = from; at < from + 6; at += 1) all += text(at8(at))
  return all
}

function at8(index: number): number {
  return drawn[index] ?? 0
}

function text(byte: number): string {
  return hex[byte] ?? '00'
}
