/** State of a hash between blocks: x, y, z, both halves of v, both of w. */
export type CityState = [bigint, bigint, bigint, bigint, bigint, bigint, bigint]

/**
 * The blocks of CityHash128, where almost all its time goes. In halves of 32 bits, as bigints take 20 times as long.
 * @param bytes whole blocks of 128 bytes
 */
export function hashBlocks(bytes: Buffer, [x, y, z, v1, v2, w1, w2]: CityState): CityState {
  const words = new Int32Array(32)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const state = Int32Array.from([x, y, z, v1, v2, w1, w2].flatMap(halves))
  for (let at = 0; at < bytes.length; at += 128) {
    for (let index = 0; index < 32; index += 1) words[index] = view.getInt32(at + index * 4, true)
    hashHalf(words, 0, state)
    hashHalf(words, 16, state)
  }
  const [a, b, c, d, e, f, g] = [0, 2, 4, 6, 8, 10, 12].map((index) => joined(state, index))
  return [a ?? 0n, b ?? 0n, c ?? 0n, d ?? 0n, e ?? 0n, f ?? 0n, g ?? 0n]
}

function halves(value: bigint): [number, number] {
  return [Number(value & 0xffffffffn), Number(value >> 32n)]
}

function joined(state: Int32Array, index: number): bigint {
  return BigInt((state[index] as number) >>> 0) | (BigInt((state[index + 1] as number) >>> 0) << 32n)
}

/** High half of what was worked out last. */
let high = 0

/** 64 bytes. Low and high halves of the state: x, y, z, v.low, v.high, w.low, w.high. */
function hashHalf(words: Int32Array, at: number, s: Int32Array): void {
  let [xl = 0, xh = 0, yl = 0, yh = 0, zl = 0, zh = 0] = [s[0], s[1], s[2], s[3], s[4], s[5]]
  // x = rotate(x + y + v.low + word 2, 37) * k1 ^ w.high
  xl = add(xl, xh, yl, yh)
  xl = add(xl, high, s[6] as number, s[7] as number)
  xl = add(xl, high, words[at + 4] as number, words[at + 5] as number)
  xl = rotateMore(xl, high, 5)
  xl = timesK1(xl, high) ^ (s[12] as number)
  xh = high ^ (s[13] as number)
  // y = rotate(y + v.high + word 6, 42) * k1 ^ v.low
  yl = add(yl, yh, s[8] as number, s[9] as number)
  yl = add(yl, high, words[at + 12] as number, words[at + 13] as number)
  yl = rotateMore(yl, high, 10)
  yl = timesK1(yl, high) ^ (s[6] as number)
  yh = high ^ (s[7] as number)
  // z = rotate(z ^ w.low, 33)
  zl = rotateMore(zl ^ (s[10] as number), zh ^ (s[11] as number), 1)
  zh = high
  // v = weak(words 0 to 3, v.high * k1, x + w.low)
  const al = timesK1(s[8] as number, s[9] as number)
  const ah = high
  const bl = add(xl, xh, s[10] as number, s[11] as number)
  weak(words, at, al, ah, bl, high, s, 6)
  // w = weak(words 4 to 7, z + w.high, y)
  const cl = add(zl, zh, s[12] as number, s[13] as number)
  weak(words, at + 8, cl, high, yl, yh, s, 10)
  // z and x change places
  s[0] = zl
  s[1] = zh
  s[2] = yl
  s[3] = yh
  s[4] = xl
  s[5] = xh
}

/** Four words and two numbers made two numbers, kept at a place of the state. */
function weak(
  words: Int32Array,
  at: number,
  al: number,
  ah: number,
  bl: number,
  bh: number,
  s: Int32Array,
  to: number,
): void {
  const w3l = words[at + 6] as number
  const w3h = words[at + 7] as number
  const cl = add(al, ah, words[at] as number, words[at + 1] as number)
  const ch = high
  let dl = add(bl, bh, cl, ch)
  dl = add(dl, high, w3l, w3h)
  dl = rotateLess(dl, high, 21)
  const dh = high
  let el = add(cl, ch, words[at + 2] as number, words[at + 3] as number)
  el = add(el, high, words[at + 4] as number, words[at + 5] as number)
  const eh = high
  s[to] = add(el, eh, w3l, w3h)
  s[to + 1] = high
  const fl = rotateMore(el, eh, 12)
  const gl = add(fl, high, dl, dh)
  s[to + 2] = add(gl, high, cl, ch)
  s[to + 3] = high
}

function add(al: number, ah: number, bl: number, bh: number): number {
  const low = (al + bl) | 0
  high = (ah + bh + (low >>> 0 < al >>> 0 ? 1 : 0)) | 0
  return low
}

/** To the right, by less than 32. */
function rotateLess(low: number, top: number, by: number): number {
  high = (top >>> by) | (low << (32 - by))
  return (low >>> by) | (top << (32 - by))
}

/** To the right, by 32 and so much more. */
function rotateMore(low: number, top: number, by: number): number {
  return rotateLess(top, low, by)
}

const k1Low = 0xbe98f273 | 0
const k1High = 0xb492b66f | 0
const k1LowStart = k1Low & 0xffff
const k1LowEnd = k1Low >>> 16

function timesK1(low: number, top: number): number {
  const start = low & 0xffff
  const end = low >>> 16
  const middle = Math.imul(start, k1LowEnd)
  const other = Math.imul(end, k1LowStart)
  const carry = (Math.imul(start, k1LowStart) >>> 16) + (middle & 0xffff) + (other & 0xffff)
  high =
    (Math.imul(end, k1LowEnd) +
      (middle >>> 16) +
      (other >>> 16) +
      (carry >>> 16) +
      Math.imul(low, k1High) +
      Math.imul(top, k1Low)) |
    0
  return Math.imul(low, k1Low)
}
