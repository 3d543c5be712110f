let lastMs = 0
let sequence = 0

/**
 * A UUIDv7: sorts by time of creation, and within one thread in the order of creation.
 * @see RFC 9562 section 6.2, method 1: `rand_a` counts within a millisecond
 */
export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(10))
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    // the top bit stays free, so that there is room to count
    sequence = (((random[8] ?? 0) << 8) | (random[9] ?? 0)) & 0x7ff
  } else {
    sequence += 1
    // also when the clock was set back: ids never go back with it
    if (sequence > 0xfff) {
      lastMs += 1
      sequence = 0
    }
  }
  const time = lastMs.toString(16).padStart(12, '0')
  const tail = Array.from(random.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = (8 | (Number.parseInt(tail.slice(0, 1), 16) & 3)).toString(16)
  const counter = sequence.toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`
}
