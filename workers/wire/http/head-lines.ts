import { HeaderList, headerName } from './header-list.ts'

/** Why a message is refused: the status to answer an agent with, and the state found. No byte of the message. */
export interface BadMessage {
  readonly kind: 'bad'
  readonly status: 400 | 405 | 414 | 421 | 431 | 501 | 505
  readonly because: string
}

/** Longest message head, bytes, the empty line included. */
export const maxHeadBytes = 64 * 1024
/** Most header fields of one head or trailer section. */
export const maxHeaders = 200

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Where the message head ends: index after the empty line; -1 when it is not in yet.
 * @param from where the search may begin, because everything before was searched already
 */
export function findHeadEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(headEnd, from)
  return at < 0 ? -1 : at + 4
}

// a control character, a CR without LF, or a LF without CR: what one reader skips, another takes for a line end
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const stray = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

/** Whether a head as latin1 text has bytes no head may have. */
export function hasStrayBytes(head: string): boolean {
  return stray.test(head)
}

/**
 * Reads header lines up to the empty line at the end of `head`.
 * @param head latin1 text that was checked with `hasStrayBytes`
 * @param at where the first line begins
 */
export function parseHeaderLines(head: string, at: number): HeaderList | BadMessage {
  const list = new HeaderList()
  let start = at
  for (;;) {
    const end = head.indexOf('\r\n', start)
    if (end <= start) return list
    const colon = head.indexOf(':', start)
    if (colon < 0 || colon > end) return bad(400, 'a header line has no colon')
    const name = headerName(head.slice(start, colon))
    // covers obs-fold and a space before the colon
    if (name === null) return bad(400, 'a header name is not a token')
    if (list.length >= maxHeaders) return bad(431, `more than ${maxHeaders} header fields`)
    list.add(name, head.slice(...trimmed(head, colon + 1, end)))
    start = end + 2
  }
}

/** A refusal as data. */
export function bad(status: BadMessage['status'], because: string): BadMessage {
  return { kind: 'bad', status, because }
}

/** Bounds of a field value without the spaces and tabs around it. */
function trimmed(head: string, from: number, to: number): [number, number] {
  let start = from
  let end = to
  while (start < end && isBlank(head.charCodeAt(start))) start += 1
  while (end > start && isBlank(head.charCodeAt(end - 1))) end -= 1
  return [start, end]
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
