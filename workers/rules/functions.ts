import type { Environment } from 'cel-js'
import { payKeys } from './costs.ts'
import { matches } from './regex.ts'
import { setKey } from './set-key.ts'
import { registerTexts, textNames } from './text-functions.ts'
import { registerTimestamps, timestampNames } from './timestamps.ts'

/** Functions of cel-js that are replaced by ours: its overloads cannot be, so calls are renamed before the check. */
export const renamed: ReadonlyMap<string, string> = new Map(
  ['matches', ...textNames, ...timestampNames].map((name) => [name, `__${name}`]),
)

class Sets {}

/** Adds `matches` on RE2, the strings extension and `sets` to an environment. */
export function registerFunctions(environment: Environment): void {
  const sync = { async: false }
  const define = (signature: string, handler: (...args: never[]) => unknown) =>
    environment.registerFunction(signature, handler, sync)
  define('string.__matches(string): bool', matches)
  define('__matches(string, string): bool', matches)
  registerTexts(environment)
  registerTimestamps(environment)
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
  payKeys(list)
  return new Set(list.map(setKey))
}
