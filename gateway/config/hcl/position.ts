import type { SourceFile } from './parse.ts'
import type { Span } from './syntax.ts'

/** A place as people look it up: both ends 1-based, columns in characters as a reader counts them. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  /** Column after the last character. */
  readonly endColumn: number
}

/** A file that answers where its bytes are. */
export interface Source {
  readonly file: SourceFile
  place(span: Span): Place
  /** Text of a line without its end, 1-based; empty beyond the file. */
  line(number: number): string
}

/** Wraps a file; line starts are found at the first question. */
export function sourceOf(file: SourceFile): Source {
  let starts: readonly number[] | undefined
  const known = () => (starts ??= lineStarts(file.bytes))
  const at = (offset: number) => {
    const index = lineAt(known(), offset)
    const text = file.bytes.toString('utf8', known()[index] ?? 0, offset)
    return { line: index + 1, column: characters(text) + 1 }
  }
  return {
    file,
    place: ([start, end]) => {
      const first = at(clamp(start, file.bytes))
      const last = at(clamp(Math.max(start, end), file.bytes))
      return { file: file.name, ...first, endLine: last.line, endColumn: last.column }
    },
    line: (number) => {
      const start = known()[number - 1]
      if (start === undefined) return ''
      return file.bytes.toString('utf8', start, known()[number] ?? file.bytes.length).replace(/\r?\n$/, '')
    },
  }
}

/** Number of characters a reader sees (grapheme clusters), as HCL counts columns. */
export function characters(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text.length
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

function clamp(offset: number, bytes: Buffer): number {
  return Math.min(Math.max(offset, 0), bytes.length)
}

function lineStarts(bytes: Buffer): number[] {
  const starts = [0]
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  return starts
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
