/** A token bucket per key; memory is bounded whatever keys strangers make up. */
export interface Limiter {
  /** Takes one token. @returns 0 when there was one, else seconds until there is */
  take(key: string): number
  /** Like `take`, and takes nothing. */
  wait(key: string): number
}

/**
 * @param capacity tokens of a full bucket
 * @param perMs time in which an empty bucket fills up
 * @param maxKeys buckets kept; the one unused the longest makes room
 */
export interface Limit {
  readonly capacity: number
  readonly perMs: number
  readonly maxKeys?: number
}

/** Makes a limiter. */
export function limiter({ capacity, perMs, maxKeys = 4096 }: Limit, now: () => number): Limiter {
  // insertion order is order of use: a bucket is put back at the end whenever it is used
  const buckets = new Map<string, { tokens: number; at: number }>()
  const refill = capacity / perMs
  const tokensOf = (before: { readonly tokens: number; readonly at: number } | undefined, at: number) =>
    // a clock set back refills nothing
    before === undefined ? capacity : Math.min(capacity, before.tokens + Math.max(0, at - before.at) * refill)
  const waitS = (tokens: number) => (tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / refill / 1000)))
  return {
    take(key) {
      const at = now()
      const before = buckets.get(key)
      const tokens = tokensOf(before, at)
      buckets.delete(key)
      if (before === undefined && buckets.size >= maxKeys) dropOldest(buckets)
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at })
      return waitS(tokens)
    },
    wait: (key) => waitS(tokensOf(buckets.get(key), now())),
  }
}

/** The key addresses are limited by: an IPv4 address, or the /64 a stranger with IPv6 usually has whole. */
export function sourceKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

function dropOldest(buckets: Map<string, unknown>): void {
  const [oldest] = buckets.keys()
  if (oldest !== undefined) buckets.delete(oldest)
}
