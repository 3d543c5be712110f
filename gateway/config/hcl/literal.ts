import type { Span } from './syntax.ts'

/**
 * Follows a string back to where each of its characters was written: quoted with escapes, or a heredoc.
 * @param written the bytes of the whole file
 * @param at the place of the expression
 * @param value what the expression evaluated to
 * @returns byte offset in the file of every UTF-16 index of `value` and of its end; null when it is not written out as
 *   one literal (a template with parts, a reference)
 */
export function literalOffsets(written: Buffer, at: Span, value: string): number[] | null {
  const raw = written.toString('utf8', at[0], at[1])
  const pieces = raw.startsWith('"') ? quoted(raw) : raw.startsWith('<<') ? heredoc(raw) : null
  if (pieces === null || pieces.map(({ text }) => text).join('') !== value) return null
  const bytes = byteOffsets(raw)
  const offsets: number[] = []
  let end = at[1]
  for (const { text, from, to } of pieces) {
    for (let index = 0; index < text.length; index += 1) {
      // unescaped text maps character by character, an escape as one
      const step = to - from === text.length ? index : 0
      offsets.push(at[0] + (bytes[from + step] ?? 0))
    }
    end = at[0] + (bytes[to] ?? 0)
  }
  return [...offsets, end]
}

/** Text of the value and the part of the source it was written as. */
interface Piece {
  readonly text: string
  readonly from: number
  readonly to: number
}

const escapes: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }

function quoted(raw: string): Piece[] | null {
  if (raw.length < 2 || !raw.endsWith('"')) return null
  const token = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(["\\nrt]))|(\$|%)\4\{|[^\\]/gsu
  token.lastIndex = 1
  const pieces: Piece[] = []
  while (token.lastIndex < raw.length - 1) {
    const from = token.lastIndex
    const found = token.exec(raw)
    if (found === null || found.index !== from || token.lastIndex > raw.length - 1) return null
    const [all, short, long, letter, sign] = found
    pieces.push({ text: textOf(all, short ?? long, letter, sign), from, to: token.lastIndex })
  }
  return pieces
}

function textOf(all: string, code: string | undefined, letter: string | undefined, sign: string | undefined): string {
  if (code !== undefined)
    return Number.parseInt(code, 16) > 0x10ffff ? all : String.fromCodePoint(Number.parseInt(code, 16))
  if (letter !== undefined) return escapes[letter] ?? letter
  return sign !== undefined ? `${sign}{` : all
}

function heredoc(raw: string): Piece[] | null {
  const head = /^<<(-?)[^\r\n]*\r?\n/.exec(raw)
  if (head === null) return null
  const lines = [...raw.slice(head[0].length).matchAll(/[^\n]*\n|[^\n]+$/g)]
  lines.pop() // the closing tag
  const texts = lines.map((line) => ({ text: line[0], from: head[0].length + line.index }))
  const indent = head[1] === '-' ? commonIndent(texts.map(({ text }) => text)) : 0
  return texts.flatMap(({ text, from }) => piecesOfLine(text.slice(indent), from + Math.min(indent, text.length)))
}

function commonIndent(lines: readonly string[]): number {
  return lines.length === 0 ? 0 : Math.min(...lines.map((line) => /^ */.exec(line)?.[0].length ?? 0))
}

function piecesOfLine(line: string, from: number): Piece[] {
  const pieces: Piece[] = []
  let start = 0
  for (const { index } of line.matchAll(/(\$\$|%%)(?=\{)/g)) {
    if (index > start) pieces.push({ text: line.slice(start, index), from: from + start, to: from + index })
    pieces.push({ text: line[index] ?? '', from: from + index, to: from + index + 2 })
    start = index + 2
  }
  if (start < line.length) pieces.push({ text: line.slice(start), from: from + start, to: from + line.length })
  return pieces
}

function byteOffsets(text: string): number[] {
  const offsets: number[] = []
  let at = 0
  for (const character of text) {
    offsets.push(at)
    if (character.length === 2) offsets.push(at)
    at += Buffer.byteLength(character)
  }
  return [...offsets, at]
}
