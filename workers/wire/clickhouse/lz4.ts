/** Most bytes that are copied one by one: a call takes as long as 64 of them. */
const longestLoop = 64

/**
 * Decodes an LZ4 block that is exactly so long.
 * null: it is not one, or longer or shorter.
 * @see github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export function decodeLz4(bytes: Buffer, length: number): Buffer | null {
  const output = Buffer.allocUnsafeSlow(length)
  const end = bytes.length
  let at = 0
  let to = 0
  while (at < end) {
    const token = bytes[at] as number
    at += 1
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255; at += 1) {
        if (at >= end) return null
        more = bytes[at] as number
        literals += more
      }
    }
    if (at + literals > end || to + literals > length) return null
    if (literals > longestLoop) output.set(bytes.subarray(at, at + literals), to)
    else for (let index = 0; index < literals; index += 1) output[to + index] = bytes[at + index] as number
    at += literals
    to += literals
    // the last sequence has literals only
    if (at === end) return to === length ? output : null
    if (at + 2 > end) return null
    const offset = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    at += 2
    let count = (token & 15) + 4
    if (count === 19) {
      for (let more = 255; more === 255; at += 1) {
        if (at >= end) return null
        more = bytes[at] as number
        count += more
      }
    }
    if (offset === 0 || offset > to || to + count > length) return null
    if (offset >= count && count > longestLoop) output.copyWithin(to, to - offset, to - offset + count)
    else for (let index = to; index < to + count; index += 1) output[index] = output[index - offset] as number
    to += count
  }
  return null
}
