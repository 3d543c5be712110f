/**
 * Text that is equal for values CEL calls equal, `5` and `5.0` included, and differs for all others.
 * Comparing keys keeps set operations linear, whatever lists an agent sends.
 */
export function setKey(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}`
    case 'number':
      return Number.isInteger(value) ? `${BigInt(value)}` : `${value}`
    case 'boolean':
      return `${value}`
    default:
      return compositeKey(value)
  }
}

function compositeKey(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value) || value instanceof Set) return `[${[...value].map(setKey).join(',')}]`
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`
  if (value instanceof Map) return mapKey([...value])
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return mapKey(Object.entries(value as object))
  const scalar = (value as object).valueOf()
  if (typeof scalar === 'object') throw new Error('a value of this type cannot be in a set')
  // timestamps and durations are kept apart from numbers and from each other; unsigned numbers are numbers
  return typeof scalar === 'bigint' ? `${scalar}` : `${value?.constructor.name}(${String(scalar)})`
}

function mapKey(entries: readonly (readonly [unknown, unknown])[]): string {
  const parts = entries.map(([key, value]) => `${setKey(key)}:${setKey(value)}`)
  return `{${parts.sort().join(',')}}`
}
