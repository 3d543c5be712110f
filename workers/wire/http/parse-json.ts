import { parseExact } from './parse-exact.ts'

/** A JSON document that every reader reads alike, or nothing. */
export type Json = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'unreadable' }

/**
 * Parses a JSON document strictly. One in which a member occurs twice is unreadable: readers differ on which one counts,
 * and a rule must not judge one while the upstream acts on the other. Whole numbers a double cannot hold are bigints.
 */
export function parseJson(text: string): Json {
  try {
    const value = parseExact(text)
    return hasTwins(text) ? { kind: 'unreadable' } : { kind: 'value', value }
  } catch {
    return { kind: 'unreadable' }
  }
}

/** Whether some object of a valid document has two members of one name. */
function hasTwins(text: string): boolean {
  /** Names seen per open object; null for an open array. */
  const open: (Set<string> | null)[] = []
  let isName = false
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set())
        isName = true
        break
      case 0x5b: // [
        open.push(null)
        isName = false
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        isName = false
        break
      case 0x2c: // ,
        isName = open.at(-1) !== null
        break
      case 0x22: {
        const end = stringEnd(text, at)
        const names = open.at(-1)
        if (isName && names) {
          const name: string = JSON.parse(text.slice(at, end + 1))
          if (names.has(name)) return true
          names.add(name)
          isName = false
        }
        at = end
        break
      }
    }
  }
  return false
}

function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return at
}
