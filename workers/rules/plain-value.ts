import type { FactSpec } from '../contract/plugin.ts'

/** Deepest nesting of a value that conditions see; cel-js and our own walks recurse. */
const deepest = 128

/** Keys of the large objects that have been seen: counting them takes too long to do it again for each comparison. */
const sizes = new WeakMap<object, number>()
const large = 64

/** How many keys a plain object has. */
export function knownSize(value: object): number {
  const known = sizes.get(value)
  if (known !== undefined) return known
  const size = Object.keys(value).length
  noteSize(value, size)
  return size
}

function noteSize(value: object, size: number): void {
  if (size > large) sizes.set(value, size)
}

/**
 * A fact as CEL wants it: ints are BigInt, and an object with a member `constructor`, which cel-js would take for its
 * class, is a Map.
 * @throws Error when the value is not of the type or is nested too deeply
 */
export function plainValue(value: unknown, type: FactSpec['type']): unknown {
  switch (type) {
    case 'string':
      return expect(value, typeof value === 'string', type)
    case 'bool':
      return expect(value, typeof value === 'boolean', type)
    case 'int':
      if (typeof value === 'bigint') return value
      return BigInt(expect(value, Number.isSafeInteger(value), type) as number)
    case 'list<string>':
      return expect(value, Array.isArray(value), type)
    case 'map<string, string>':
    case 'map<string, list<string>>':
      expect(value, typeof value === 'object' && value !== null && !Array.isArray(value), type)
      return Object.hasOwn(value as object, 'constructor') ? new Map(Object.entries(value as object)) : value
    case 'dyn':
      return isPlain(value) ? value : rebuilt(value)
    default:
      return type satisfies never
  }
}

function expect(value: unknown, holds: boolean, type: string): unknown {
  if (!holds) throw new Error(`the decoder gave no ${type}`)
  return value
}

/** Whether no object in it has a member `constructor`. */
function isPlain(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) throw new Error('the value is nested too deeply')
    const next: unknown[] = []
    for (const each of level) {
      if (typeof each !== 'object' || each === null || each instanceof Map) continue
      if (Array.isArray(each)) {
        for (const item of each) if (typeof item === 'object') next.push(item)
        continue
      }
      if (Object.hasOwn(each, 'constructor')) return false
      let size = 0
      for (const key in each) {
        size += 1
        const item = (each as { [key: string]: unknown })[key]
        if (typeof item === 'object') next.push(item)
      }
      noteSize(each, size)
    }
    level = next
  }
  return true
}

function rebuilt(value: unknown, depth = 0): unknown {
  if (depth > deepest) throw new Error('the value is nested too deeply')
  if (typeof value !== 'object' || value === null || value instanceof Map) return value
  if (Array.isArray(value)) return value.map((item) => rebuilt(item, depth + 1))
  return new Map(Object.entries(value).map(([key, item]) => [key, rebuilt(item, depth + 1)]))
}
