import { hashBlocks } from './city-blocks.ts'

const mask = 2n ** 64n - 1n
const k0 = 0xc3a5c85c97cb3127n
const k1 = 0xb492b66fbe98f273n
const k2 = 0x9ae16a3b2f90404fn
const k3 = 0xc949d7c7509e6557n
/** What is hashed at a time, while there is as much, bytes. */
const blockLength = 128

/**
 * The checksum of a compressed frame: CityHash128 as of version 1.0.2, which ClickHouse keeps to.
 * @see github.com/google/cityhash, version 1.0.2
 */
export function cityHash128(bytes: Buffer): Buffer {
  const { length } = bytes
  if (length >= 16) return seeded(bytes.subarray(16), word(bytes, 0) ^ k3, word(bytes, 8))
  if (length >= 8)
    return seeded(bytes.subarray(length), word(bytes, 0) ^ ((BigInt(length) * k0) & mask), word(bytes, length - 8) ^ k1)
  return seeded(bytes, k0, k1)
}

function seeded(bytes: Buffer, low: bigint, high: bigint): Buffer {
  return bytes.length < blockLength ? hashShort(bytes, low, high) : hashLong(bytes, low, high)
}

function hashShort(bytes: Buffer, low: bigint, high: bigint): Buffer {
  const { length } = bytes
  let a = low
  let b = high
  let c: bigint
  let d: bigint
  if (length <= 16) {
    a = times(mixed(times(a, k1)), k1)
    c = plus(times(b, k1), hashTiny(bytes))
    d = mixed(plus(a, length >= 8 ? word(bytes, 0) : c))
  } else {
    c = pair(plus(word(bytes, length - 8), k1), a)
    d = pair(plus(b, BigInt(length)), plus(c, word(bytes, length - 16)))
    a = plus(a, d)
    for (let at = 0; at < length - 16; at += 16) {
      a = times(a ^ times(mixed(times(word(bytes, at), k1)), k1), k1)
      b ^= a
      c = times(c ^ times(mixed(times(word(bytes, at + 8), k1)), k1), k1)
      d ^= c
    }
  }
  a = pair(a, c)
  b = pair(d, b)
  return both(a ^ b, pair(b, a))
}

function hashTiny(bytes: Buffer): bigint {
  const { length } = bytes
  if (length > 8) {
    const last = word(bytes, length - 8)
    return pair(word(bytes, 0), rotated(plus(last, BigInt(length)), BigInt(length))) ^ last
  }
  if (length >= 4)
    return pair(BigInt(length) + (BigInt(bytes.readUInt32LE(0)) << 3n), BigInt(bytes.readUInt32LE(length - 4)))
  if (length === 0) return k2
  const first = BigInt((bytes[0] as number) + ((bytes[length >> 1] as number) << 8))
  const last = BigInt(length + ((bytes[length - 1] as number) << 2))
  return times(mixed(times(first, k2) ^ times(last, k3)), k2)
}

function hashLong(bytes: Buffer, low: bigint, high: bigint): Buffer {
  let x = low
  let y = high
  let z = times(BigInt(bytes.length), k1)
  let v1 = plus(times(rotated(y ^ k1, 49n), k1), word(bytes, 0))
  let v2 = plus(times(rotated(v1, 42n), k1), word(bytes, 8))
  let w1 = plus(times(rotated(plus(y, z), 35n), k1), x)
  let w2 = times(rotated(plus(x, word(bytes, 88)), 53n), k1)
  const rest = bytes.length % blockLength
  ;[x, y, z, v1, v2, w1, w2] = hashBlocks(bytes.subarray(0, bytes.length - rest), [x, y, z, v1, v2, w1, w2])
  y = plus(y, plus(times(rotated(w1, 37n), k0), z))
  x = plus(x, times(rotated(plus(v1, z), 49n), k0))
  for (let done = 32; done < rest + 32; done += 32) {
    const at = bytes.length - done
    y = plus(times(rotated(plus(y, mask + 1n - x), 42n), k0), v2)
    w1 = plus(w1, word(bytes, at + 16))
    x = plus(times(rotated(x, 49n), k0), w1)
    w1 = plus(w1, v1)
    const start = plus(v1, word(bytes, at))
    const sum = plus(start, plus(word(bytes, at + 8), word(bytes, at + 16)))
    const turned = rotated(plus(v2, plus(start, word(bytes, at + 24))), 21n)
    v1 = plus(sum, word(bytes, at + 24))
    v2 = plus(plus(turned, rotated(sum, 44n)), start)
  }
  x = pair(x, v1)
  y = pair(y, w1)
  return both(plus(pair(plus(x, v2), w2), y), pair(plus(x, w2), plus(y, v2)))
}

function word(bytes: Buffer, at: number): bigint {
  return bytes.readBigUInt64LE(at)
}

function plus(a: bigint, b: bigint): bigint {
  return (a + b) & mask
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) & mask
}

function rotated(value: bigint, by: bigint): bigint {
  return (value >> by) | ((value << (64n - by)) & mask)
}

function mixed(value: bigint): bigint {
  return value ^ (value >> 47n)
}

/** Two numbers made one. */
function pair(low: bigint, high: bigint): bigint {
  const k = 0x9ddfea08eb382d69n
  const a = mixed(times(low ^ high, k))
  return times(mixed(times(high ^ a, k)), k)
}

function both(low: bigint, high: bigint): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(low, 0)
  bytes.writeBigUInt64LE(high, 8)
  return bytes
}
