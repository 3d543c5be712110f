import type { Attribute, Block, Body, Reference, Span, Value } from './syntax.ts'

/** What a file says in plain form, and the parts that are not. */
export interface PlainParts {
  /** Blocks and attributes in plain form; what they refer to is still open. */
  readonly body: Body
  /** Everything else, in parts that end where a block seems to: for HashiCorp's parser. */
  readonly pieces: readonly Span[]
  /** Values that name a declared block as `object.name`. */
  readonly open: readonly OpenReference[]
}

/** A reference to be closed once everything declared is known. */
export interface OpenReference {
  readonly object: string
  readonly name: string
  close(reference: Reference): void
}

/**
 * Reads the blocks of a file that are written in the plainest form there is: labels and values without escapes,
 * templates or expressions, one attribute a line (a heredoc aside), ASCII. Whatever is not beyond doubt is left to HashiCorp's parser,
 * whose word counts: ten thousand plain rules cost it two seconds and this 30 ms.
 * @param closed blocks whose attributes may refer to nothing
 */
export function readPlain(bytes: Buffer, closed: readonly string[]): PlainParts {
  // one character a byte: places need no translation, and no form below admits a byte above 7f
  const reader: Reader = { text: bytes.toString('latin1'), at: 0, open: [], refers: true }
  const attributes: Attribute[] = []
  const blocks: Block[] = []
  const pieces: Span[] = []
  const attempt = <T>(read: () => T | null | undefined): T | null => {
    const start = reader.at
    const before = reader.open.length
    const found = read()
    if (found !== null && found !== undefined) return found
    reader.at = start
    reader.open.length = before
    return null
  }
  while (reader.at < reader.text.length) {
    if (skip(reader, blank)) continue
    const block = attempt(() => readBlock(reader, closed, 0))
    reader.refers = true
    const attribute = block === null ? attempt(() => readAttribute(reader)) : null
    if (block !== null) blocks.push(block)
    else if (attribute !== null) attributes.push(attribute)
    else {
      const end = reader.text.indexOf('\n}\n', reader.at)
      pieces.push([reader.at, end < 0 ? reader.text.length : end + 3])
      reader.at = pieces.at(-1)?.[1] ?? reader.text.length
    }
  }
  return { body: { attributes, blocks }, pieces, open: reader.open }
}

interface Reader {
  readonly text: string
  at: number
  readonly open: OpenReference[]
  /** Whether references may be made here. */
  refers: boolean
}

/** Blocks in blocks beyond this are for the real parser. */
const deepest = 4

const comment = '(?:(?:#|//)[\\t -~]*)?'
const blank = new RegExp(`[\\t ]*${comment}\\n`, 'y')
const opening = new RegExp(`([A-Za-z][A-Za-z0-9_-]*)((?: "[ !#&-\\[\\]-~]*")*) \\{[\\t ]*${comment}\\n`, 'y')
const closing = new RegExp(`[\\t ]*\\}[\\t ]*${comment}(?:\\n|$)`, 'y')
const assignment = /[\t ]*([A-Za-z][A-Za-z0-9_-]*)[\t ]*=[\t ]*/y
const lineEnd = new RegExp(`[\\t ]*${comment}\\n`, 'y')
const quoted = /"([ !#&-[\]-~]*)"/y
const number = /(?:0|[1-9][0-9]{0,14})(?![0-9A-Za-z_.-])/y
const word = /([A-Za-z][A-Za-z0-9_-]*)(?:\.([A-Za-z][A-Za-z0-9_-]*))?/y
const listStart = /\[[\t\n ]*/y
const listNext = /,[\t\n ]*/y
const listEnd = /[\t\n ]*\]/y
const heredocStart = /<<(-?)([A-Za-z][A-Za-z0-9_]*)\n/y
const heredocLine = / *[!"#&-~][ !"#&-~]*\n/y
const keywords = new Set(['true', 'false', 'null', 'for', 'if', 'in', 'else', 'endif', 'endfor'])

function readBlock(reader: Reader, closed: readonly string[], depth: number): Block | null {
  if (depth > deepest) return null
  if (depth > 0) skip(reader, /[\t ]*/y)
  const start = reader.at
  const found = take(reader, opening)
  if (found === null) return null
  const [, type = '', written = ''] = found
  if (keywords.has(type) || (depth > 0 && closed.includes(type))) return null
  const first = start + type.length
  const labels = [...written.matchAll(/ "([^"]*)"/g)].map((label) => {
    const at = first + label.index + 1
    return { name: label[1] ?? '', at: [at, at + label[0].length - 1] as const }
  })
  if (depth === 0) reader.refers = !closed.includes(type)
  const body = readBody(reader, closed, depth)
  return body && { type, at: [start, first], header: [start, first + written.length], labels, body }
}

function readBody(reader: Reader, closed: readonly string[], depth: number): Body | null {
  const attributes: Attribute[] = []
  const blocks: Block[] = []
  const names = new Set<string>()
  while (!skip(reader, closing)) {
    if (skip(reader, blank)) continue
    const attribute = readAttribute(reader)
    if (attribute === undefined) return null
    const block = attribute === null ? readBlock(reader, closed, depth + 1) : null
    const name = attribute?.name ?? block?.type
    // a name used twice is for the real parser to judge, unless it is a block each time
    if (name === undefined || (names.has(name) && !blocks.some((each) => each.type === block?.type))) return null
    names.add(name)
    if (attribute !== null) attributes.push(attribute)
    if (block !== null) blocks.push(block)
  }
  return { attributes, blocks }
}

/** @returns null when no attribute starts here; undefined when one does that is not plain */
function readAttribute(reader: Reader): Attribute | null | undefined {
  const before = reader.at
  const found = take(reader, assignment)
  if (found === null) return null
  const [all, name = ''] = found
  const start = before + all.indexOf(name)
  const value = readValue(reader, false)
  if (value === null || !skip(reader, lineEnd)) return undefined
  return { name, at: [start, start + name.length], value }
}

/** @param isItem already in a list: lists of lists are not plain */
function readValue(reader: Reader, isItem: boolean): Value | null {
  const start = reader.at
  const text = take(reader, quoted)
  if (text !== null) return { kind: 'string', value: text[1] ?? '', at: [start, reader.at] }
  const digits = take(reader, number)
  if (digits !== null) return { kind: 'number', value: digits[0], at: [start, reader.at] }
  if (!isItem && skip(reader, listStart)) return readList(reader, start)
  const heredoc = isItem ? null : take(reader, heredocStart)
  if (heredoc !== null) return readHeredoc(reader, start, heredoc)
  const [, object = '', name] = take(reader, word) ?? []
  const at: Span = [start, reader.at]
  if (name === undefined)
    return object === 'true' || object === 'false' ? { kind: 'bool', value: object === 'true', at } : null
  if (keywords.has(object) || !reader.refers) return null
  const refs: Reference[] = []
  reader.open.push({ object, name, close: (reference) => refs.push(reference) })
  return { kind: 'string', value: name, refs, at }
}

function readList(reader: Reader, start: number): Value | null {
  const items: Value[] = []
  while (!skip(reader, listEnd)) {
    if (items.length > 0 && !skip(reader, listNext)) return null
    if (items.length > 0 && skip(reader, listEnd)) break
    const item = readValue(reader, true)
    if (item === null) return null
    items.push(item)
  }
  return { kind: 'list', items, at: [start, reader.at] }
}

/** Lines with something on them, indented by spaces; the parser has the last word on empty ones. */
function readHeredoc(reader: Reader, start: number, [, dash, tag = '']: RegExpExecArray): Value | null {
  const end = new RegExp(` *${tag}(?=\\n)`, 'y')
  const lines: string[] = []
  while (!skip(reader, end)) {
    const line = take(reader, heredocLine)
    // the parser ends it at the tag with spaces after it, too: its span is the parser's to tell
    if (line === null || line[0].trim() === tag) return null
    lines.push(line[0])
  }
  if (lines.length === 0) return null
  const indent = dash === '-' ? Math.min(...lines.map((line) => line.search(/[^ ]/))) : 0
  const value = lines.map((line) => line.slice(indent)).join('')
  return { kind: 'string', value, at: [start, reader.at] }
}

function take(reader: Reader, form: RegExp): RegExpExecArray | null {
  form.lastIndex = reader.at
  const found = form.exec(reader.text)
  if (found !== null) reader.at = form.lastIndex
  return found
}

function skip(reader: Reader, form: RegExp): boolean {
  return take(reader, form) !== null
}
