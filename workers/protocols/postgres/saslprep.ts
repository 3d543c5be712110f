import { type CharacterRanges, ignored, leftToRight, prohibited, rightToLeft, spaces } from './saslprep-tables.ts'

/**
 * Prepares a password as SCRAM wants it, and as a PostgreSQL server does: a text that is no stored string in the sense
 * of SASLprep is taken as it is.
 * @see RFC 4013, RFC 3454; pg_saslprep() of PostgreSQL
 */
export function saslprep(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const mapped = [...text]
    .map((char) => (has('spaces', char) ? ' ' : char))
    .filter((char) => !has('ignored', char))
    .join('')
    .normalize('NFKC')
  const chars = [...mapped]
  const [first, last] = [chars[0], chars.at(-1)]
  if (first === undefined || last === undefined || chars.some((char) => has('prohibited', char))) return text
  // RFC 3454 section 6: one direction, and such a text begins and ends with it
  const isRightToLeft = chars.some((char) => has('rightToLeft', char))
  const isMixed =
    chars.some((char) => has('leftToRight', char)) || !has('rightToLeft', first) || !has('rightToLeft', last)
  return isRightToLeft && isMixed ? text : mapped
}

const tables = { ignored, leftToRight, prohibited, rightToLeft, spaces }
/** First and last code point of every range; read when the first password needs it. */
const read = new Map<keyof typeof tables, readonly (readonly [number, number])[]>()

function has(table: keyof typeof tables, char: string): boolean {
  const point = char.codePointAt(0) ?? 0
  const ranges = read.get(table) ?? readRanges(tables[table])
  read.set(table, ranges)
  // a lone surrogate is in table C.5
  if (table === 'prohibited' && point >= 0xd800 && point <= 0xdfff) return true
  return ranges.some(([from, to]) => from <= point && point <= to)
}

function readRanges(packed: CharacterRanges): (readonly [number, number])[] {
  let end = 0
  return packed.split(' ').map((word) => {
    const [gap = '', more = '0'] = word.split('+')
    const from = end + Number.parseInt(gap, 36)
    end = from + Number.parseInt(more, 36)
    return [from, end] as const
  })
}
