/** Milliseconds of one unit of Go's duration grammar. */
const units: { readonly [unit: string]: number } = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Go's longest duration, 2^63-1 nanoseconds, in milliseconds. */
const longestMs = 9_223_372_036_854

/**
 * Reads a duration the way Go writes it: `1h30m`, `250ms`, `-1.5h`; `0` needs no unit. There is no day unit.
 * @returns milliseconds, rounded up so that a short time does not become none; or what is wrong in words
 */
export function parseDuration(text: string): number | string {
  const quoted = JSON.stringify(text)
  const grammar = /^([+-]?)(.*)$/s.exec(text)
  const [, sign = '', rest = ''] = grammar ?? []
  if (rest === '0') return 0
  if (rest === '') return `${quoted} is not a duration: write it like 90s, 15m or 1h30m`
  let total = 0
  const part = /(\d+\.?\d*|\.\d+)([^\d.]*)/sy
  while (part.lastIndex < rest.length) {
    const found = part.exec(rest)
    if (found === null) return `${quoted} is not a duration: write it like 90s, 15m or 1h30m`
    const [, number = '', unit = ''] = found
    if (unit === '') return `${quoted} has no unit: one of ns, us, ms, s, m, h must follow ${number}`
    const ms = units[unit]
    if (ms === undefined)
      return `${quoted} has the unknown unit ${JSON.stringify(unit)}: use ns, us, ms, s, m or h${unit === 'd' ? ' (24h is a day)' : ''}`
    total += Number(number) * ms
  }
  if (total > longestMs) return `${quoted} is longer than a duration can be (2562047h)`
  const rounded = Math.ceil(total)
  return sign === '-' && rounded !== 0 ? -rounded : rounded
}

/**
 * Reads how long something is kept: a duration, or `off`; any zero duration means the same as `off`.
 * @returns milliseconds; null to keep for ever; or what is wrong in words
 */
export function parseKeep(text: string): number | null | string {
  if (text === 'off') return null
  const ms = parseDuration(text)
  if (typeof ms === 'string') return `${ms}; 0 or off keeps for ever`
  if (ms < 0) return `${JSON.stringify(text)} is negative: 0 or off keeps for ever`
  return ms === 0 ? null : ms
}
