import type { Node } from './node.ts'
import type { ParsedStatement, Parser, Token } from './parser.ts'

/** A text the grammar refuses is taken apart when it is no longer than this, UTF-16 units. */
const longestRefused = 16 * 1024

/** One statement of a text; `tree` is null where the grammar refuses it. */
export interface Piece {
  readonly text: string
  readonly tree: Node | null
}

/**
 * Takes a text apart where the parser itself sees statements end. A text the parser refuses is taken apart at its
 * top-level semicolons, as the parser's own scanner sees them, so that the rest of it stays visible.
 * @returns null when not even that is possible
 */
export function pieces(text: string, parser: Parser): readonly Piece[] | null {
  const parsed = parser.parse(text)
  if (parsed === null) return refusedPieces(text, parser)
  const bytes = Buffer.from(text, 'utf8')
  const isAscii = bytes.length === text.length
  return parsed.map(({ tree, start, length }) => {
    const end = length === 0 ? bytes.length : start + length
    const part = isAscii ? text.slice(start, end) : bytes.toString('utf8', start, end)
    return { text: trimmed(part), tree }
  })
}

/** Without the white space around it: PostgreSQL's, to which a no-break space is a letter. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n\r\f\v]+/, '').replace(/[ \t\n\r\f\v]+$/, '')
}

function refusedPieces(text: string, parser: Parser): readonly Piece[] | null {
  const tokens = text.length > longestRefused ? null : parser.scan(text)
  if (tokens === null) return null
  const bytes = Buffer.from(text, 'utf8')
  const found: Piece[] = []
  for (const part of split(tokens, bytes.length)) {
    const piece = trimmed(bytes.toString('utf8', part.start, part.end))
    const parsed = parser.parse(piece) ?? retried(piece, parser)
    if (parsed !== null && parsed.length === 0) continue
    found.push({ text: piece, tree: parsed?.length === 1 ? (parsed[0]?.tree ?? null) : null })
  }
  return found
}

function split(tokens: readonly Token[], length: number): readonly { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = []
  let start = 0
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(') depth++
    else if (token.text === ')') depth--
    else if (token.text === ';' && depth <= 0) {
      parts.push({ start, end: token.start })
      start = token.end
      depth = 0
    }
  }
  return [...parts, { start, end: length }]
}

/** Some clients print the collation `default` bare, which the grammar refuses. */
function retried(piece: string, parser: Parser): readonly ParsedStatement[] | null {
  const quoted = /\bcollate\b/i.test(piece) ? quoteDefaultCollation(piece, parser) : null
  return quoted === null ? null : parser.parse(quoted)
}

function quoteDefaultCollation(text: string, parser: Parser): string | null {
  const tokens = parser.scan(text)
  if (tokens === null) return null
  const bytes = Buffer.from(text, 'utf8')
  let quoted = ''
  let copied = 0
  for (const [index, token] of tokens.entries()) {
    if (token.text.toLowerCase() !== 'default') continue
    const isQualified = tokens[index - 1]?.text === '.'
    if (tokens[index - (isQualified ? 3 : 1)]?.text.toLowerCase() !== 'collate') continue
    quoted += `${bytes.toString('utf8', copied, token.start)}"default"`
    copied = token.end
  }
  return copied === 0 ? null : quoted + bytes.toString('utf8', copied)
}
