import type { Rule } from '../contract/profile.ts'
import type { RateCounter } from '../contract/verdict.ts'
import { literalOf, type SyntaxNode, walk } from './syntax.ts'

/** What `rate()` finds while a condition runs. */
interface Readings {
  /** Counts by `rateKey`; null: nobody has read the counters. */
  readonly counts: ReadonlyMap<string, number> | null
  /** Counters that were asked for, by key. */
  readonly rated: Map<string, RateCounter>
  /** Keys of those that an enforced rule asked for. */
  readonly enforced?: Set<string>
}

const none: Readings = { counts: null, rated: new Map() }
let current = none
let mode: Rule['mode'] = 'enforce'

/** Says of which kind the rule is that runs next. */
export function readFor(next: Rule['mode']): void {
  mode = next
}

/** Runs `work`, during which `rate()` reads from `readings`. Evaluations are synchronous, so they never overlap. */
export function withReadings<T>(readings: Readings, work: () => T): T {
  const before = current
  current = readings
  try {
    return work()
  } finally {
    current = before
  }
}

/**
 * The count of one counter.
 * @throws Error when it has not been read, or could not be
 */
export function readRate(counter: RateCounter): bigint {
  const key = rateKey(counter)
  current.rated.set(key, counter)
  if (mode === 'enforce') current.enforced?.add(key)
  const count = current.counts?.get(key)
  if (count === undefined || !Number.isSafeInteger(count) || count < 0) throw new Error('the counter was not read')
  return BigInt(count)
}

/** The key of a counter among those of an endpoint. */
export function rateKey({ name, windowMs, per }: RateCounter): string {
  return `${per} ${windowMs} ${name}`
}

const longestName = 128
const shortestMs = 1000
const longestMs = 30 * 24 * 3_600_000

/** The counter a call names; text: what is wrong with the call; null: the node is no call of `rate`. */
export function counterOf(node: SyntaxNode): RateCounter | string | null {
  if (node.op !== 'call') return null
  const [called, args] = node.args as [string, SyntaxNode[]]
  if (called !== 'rate') return null
  if (args.length < 2 || args.length > 3) return 'write rate(NAME, WINDOW) or rate(NAME, WINDOW, PER)'
  const [name, window, per = 'device'] = args.map(literalOf)
  if (typeof name !== 'string' || typeof window !== 'string' || typeof per !== 'string' || args.some(isNotText))
    return 'the arguments of rate() must be texts in quotes: counters are known before any action'
  if (name === '' || name.length > longestName) return `the name of a counter has 1 to ${longestName} characters`
  if (per !== 'device' && per !== 'profile') return `rate() counts per 'device' or per 'profile', not '${per}'`
  const windowMs = durationMs(window)
  if (windowMs === null) return `the window '${window}' is not a duration: write it like '10m' or '1h30m'`
  if (windowMs < shortestMs || windowMs > longestMs)
    return `the window '${window}' is not between 1s and 720h (30 days)`
  return { name, windowMs, per }
}

function isNotText(node: SyntaxNode): boolean {
  return typeof literalOf(node) !== 'string'
}

/** Every counter a condition names, by key. */
export function countersIn(tree: SyntaxNode): ReadonlyMap<string, RateCounter> {
  const found = new Map<string, RateCounter>()
  walk(tree, (node) => {
    const counter = counterOf(node)
    if (counter !== null && typeof counter !== 'string') found.set(rateKey(counter), counter)
  })
  return found
}

const units: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration of whole and fractional numbers, in milliseconds; null when it is none. */
function durationMs(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text) || text.length > 64) return null
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(number) * (units[unit ?? ''] ?? 0)
  return Math.round(total)
}
