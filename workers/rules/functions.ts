import type { Environment } from 'cel-js'
import { spend } from './budget.ts'
import { matches } from './regex.ts'
import { setKey } from './set-key.ts'

/** Functions of cel-js that are replaced by ours: its overloads cannot be, so calls are renamed before the check. */
export const renamed: ReadonlyMap<string, string> = new Map([
  ['matches', '__matches'],
  ['lowerAscii', '__lowerAscii'],
  ['upperAscii', '__upperAscii'],
])

/** Longest text `replace` may make, characters. */
const longestText = 4 * 1024 * 1024

class Sets {}

/** Adds `matches` on RE2, the strings extension and `sets` to an environment. */
export function registerFunctions(environment: Environment): void {
  const sync = { async: false }
  const define = (signature: string, handler: (...args: never[]) => unknown) =>
    environment.registerFunction(signature, handler, sync)
  define('string.__matches(string): bool', matches)
  define('__matches(string, string): bool', matches)
  define('string.__lowerAscii(): string', (text: string) => text.replace(/[A-Z]+/g, (run) => run.toLowerCase()))
  define('string.__upperAscii(): string', (text: string) => text.replace(/[a-z]+/g, (run) => run.toUpperCase()))
  define('string.replace(string, string): string', (text: string, from: string, to: string) =>
    replace(text, from, to, -1),
  )
  define('string.replace(string, string, int): string', (text: string, from: string, to: string, most: bigint) =>
    replace(text, from, to, Number(most)),
  )
  define('string.charAt(int): string', charAt)
  define('string.reverse(): string', (text: string) => [...text].reverse().join(''))
  // the arguments are literals: `hardenTree` puts the counter itself in place of the call
  for (const signature of ['rate(string, string): int', 'rate(string, string, string): int']) define(signature, unread)
  environment.registerType('Sets', Sets)
  environment.registerConstant('sets', 'Sets', new Sets())
  define('Sets.contains(list, list): bool', (_: Sets, a: readonly unknown[], b: readonly unknown[]) => contains(a, b))
  define('Sets.intersects(list, list): bool', (_: Sets, a: readonly unknown[], b: readonly unknown[]) => {
    const known = keysOf(a)
    return [...keysOf(b)].some((key) => known.has(key))
  })
  define(
    'Sets.equivalent(list, list): bool',
    (_: Sets, a: readonly unknown[], b: readonly unknown[]) => contains(a, b) && contains(b, a),
  )
}

function unread(): never {
  throw new Error('rate() was called without a counter')
}

function contains(all: readonly unknown[], some: readonly unknown[]): boolean {
  const known = keysOf(all)
  return [...keysOf(some)].every((key) => known.has(key))
}

function keysOf(list: readonly unknown[]): Set<string> {
  spend(list.length)
  return new Set(list.map(setKey))
}

function replace(text: string, from: string, to: string, most: number): string {
  const parts = text.split(from)
  const times = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1)
  spend(times)
  if (text.length + times * (to.length - from.length) > longestText) throw new Error('replace() makes too long a text')
  return (
    parts.slice(0, times + 1).join(to) +
    parts
      .slice(times + 1)
      .map((part) => from + part)
      .join('')
  )
}

function charAt(text: string, index: bigint): string {
  if (index < 0n || index > BigInt(text.length)) throw new Error('charAt() index out of range')
  return text.charAt(Number(index))
}
