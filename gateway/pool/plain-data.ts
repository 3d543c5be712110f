/** Values in one event; a statement of a megabyte names fewer tables. */
const mostValues = 1_048_576
/** Objects within each other. */
const deepest = 64

/**
 * Whether facts of an event, or all of it, are plain data that can be put into words: no bytes, no maps, nothing that is
 * part of itself, not deeper than the stack.
 */
export function isPlainData(data: unknown): data is object {
  if (!isPlain(data) || Array.isArray(data)) return false
  let left = mostValues
  let level: readonly object[] = [data]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) return false
    const next: object[] = []
    for (const each of level) {
      for (const value of Array.isArray(each) ? (each as readonly unknown[]) : Object.values(each)) {
        left -= 1
        if (left < 0) return false
        if (typeof value !== 'object' || value === null) continue
        if (!isPlain(value)) return false
        next.push(value)
      }
    }
    level = next
  }
  return true
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype
}
