import { randomBytes } from 'node:crypto'

/** What a whole number needs to be beyond what a double holds exactly: 2^53 has 16 digits. */
const longRun = /[0-9]{16}/

/** Strings, whose digits are none of our business, and numbers as JSON writes them. */
const token = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/gs

/** Stands for "this string is a number": no document can hold what it cannot guess. */
const mark = randomBytes(16).toString('hex')

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/**
 * `JSON.parse`, but whole numbers between 2^53 and 2^63 are bigints: rounded, an id would equal its neighbours.
 * @throws SyntaxError as JSON.parse does
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (!longRun.test(text)) return value
  const marked = text.replace(token, (found) => (isLarge(found) ? `"${mark}${found}"` : found))
  if (marked === text) return value
  return JSON.parse(marked, (_, each: unknown) =>
    typeof each === 'string' && each.startsWith(mark) ? BigInt(each.slice(mark.length)) : each,
  )
}

function isLarge(found: string): boolean {
  if (!/^-?[0-9]{16,20}$/.test(found) || Number.isSafeInteger(Number(found))) return false
  const exact = BigInt(found)
  return exact >= least && exact <= most
}
