/** One token of ClickHouse SQL. `value` is what it stands for: decoded names and strings, upper-case words, symbols. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'symbol' | 'end'
  /** `null`: a string whose escapes are not decoded here. */
  readonly value: string | null
  readonly start: number
  readonly end: number
}

/** The text is not ClickHouse SQL, or holds something this analysis does not follow. */
export class NotUnderstood extends Error {}

/**
 * The token at or after `from`, white space and comments skipped; `end` at the end of the text.
 * @param previous the token before it: a digit after `t.` is a tuple index, not a fraction
 * @throws NotUnderstood for text the server's lexer would not take, or takes differently from version to version
 * @see clickhouse.com/docs/sql-reference/syntax
 */
export function nextToken(text: string, from: number, previous: Token | null): Token {
  const start = skipBlank(text, from)
  if (start >= text.length) return { kind: 'end', value: '', start: text.length, end: text.length }
  const first = text.charCodeAt(start)
  if (isDigit(first) || (first === DOT && isDigit(text.charCodeAt(start + 1)) && !isOperandEnd(previous))) {
    return lexNumber(text, start, previous)
  }
  if (first === QUOTE) return lexText(text, start)
  if (first === DOUBLE || first === BACKTICK) return lexQuoted(text, start, first)
  if (first === DOLLAR) return lexHeredoc(text, start)
  if (isWordChar(first)) return lexWord(text, start)
  for (const length of [3, 2, 1]) {
    const symbol = text.slice(start, start + length)
    if (SYMBOLS.has(symbol)) return { kind: 'symbol', value: symbol, start, end: start + symbol.length }
  }
  throw new NotUnderstood()
}

const DOT = 46
const QUOTE = 39
const DOUBLE = 34
const BACKTICK = 96
const DOLLAR = 36
const BACKSLASH = 92
const MINUS = 45
const SLASH = 47
const HASH = 35
const SYMBOLS: ReadonlySet<string> = new Set([
  ...['<=>', '->', '==', '!=', '<>', '<=', '>=', '::', '||', '@@'],
  ...['(', ')', '[', ']', '{', '}', ',', ';', '.', '+', '-', '*', '/', '%', '=', '<', '>', '?', ':', '^'],
])

const isDigit = (code: number): boolean => code >= 48 && code <= 57

const isWordChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || isDigit(code) || code === 95

const isOperandEnd = (token: Token | null): boolean =>
  token !== null &&
  (token.kind === 'word' ||
    token.kind === 'quoted' ||
    token.kind === 'number' ||
    (token.kind === 'symbol' && (token.value === ')' || token.value === ']')))

const isDot = (token: Token | null): boolean => token?.kind === 'symbol' && token.value === '.'

function skipBlank(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 32 || (code >= 9 && code <= 13)) at += 1
    else if (code !== MINUS && code !== SLASH && code !== HASH) return at
    else if (text.startsWith('--', at) || text.startsWith('//', at) || /^#[ !]/.test(text.slice(at, at + 2))) {
      const end = text.indexOf('\n', at)
      at = end === -1 ? text.length : end
    } else if (text.startsWith('/*', at)) at = skipBlockComment(text, at)
    else return at
  }
}

function skipBlockComment(text: string, from: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = from
  let depth = 0
  for (let found = edge.exec(text); found; found = edge.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  throw new NotUnderstood()
}

const SIMPLE_INTEGER = /\d+(?:_\d+)*/y
const NUMBER =
  /0[xX][\da-fA-F]+(?:_[\da-fA-F]+)*(?:\.[\da-fA-F]*)?(?:[pP][+-]?\d+)?|0[bB][01]+(?:_[01]+)*|(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?/y

function lexNumber(text: string, start: number, previous: Token | null): Token {
  const shape = isDot(previous) ? SIMPLE_INTEGER : NUMBER
  shape.lastIndex = start
  if (!shape.test(text)) throw new NotUnderstood()
  const end = shape.lastIndex
  if (!isWordChar(text.charCodeAt(end))) return { kind: 'number', value: text.slice(start, end), start, end }
  // An identifier may begin with digits: `2fa_codes` is a word, `1.5x` an error.
  const word = lexWord(text, start)
  if (word.end < end) throw new NotUnderstood()
  return word
}

function lexWord(text: string, start: number): Token {
  let end = start
  while (isWordChar(text.charCodeAt(end)) || text.charCodeAt(end) === DOLLAR) end += 1
  // x'41' and b'0101' are strings written in digits.
  if (end === start + 1 && text.charCodeAt(end) === QUOTE && 'xXbB'.includes(text[start] ?? '-')) {
    const close = text.indexOf("'", end + 1)
    if (close === -1 || !/^[\da-fA-F]*$/.test(text.slice(end + 1, close))) throw new NotUnderstood()
    return { kind: 'text', value: null, start, end: close + 1 }
  }
  return { kind: 'word', value: text.slice(start, end).toUpperCase(), start, end }
}

function lexText(text: string, start: number): Token {
  const end = endOfQuoted(text, start, QUOTE)
  return { kind: 'text', value: decodeQuoted(text.slice(start + 1, end - 1), "'"), start, end }
}

function lexQuoted(text: string, start: number, quote: number): Token {
  const end = endOfQuoted(text, start, quote)
  const value = decodeQuoted(text.slice(start + 1, end - 1), String.fromCharCode(quote))
  if (value === null || value === '') throw new NotUnderstood()
  return { kind: 'quoted', value, start, end }
}

function endOfQuoted(text: string, start: number, quote: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at += 1
    else if (code === quote) {
      if (text.charCodeAt(at + 1) !== quote) return at + 1
      at += 1
    }
  }
  throw new NotUnderstood()
}

function decodeQuoted(inner: string, quote: string): string | null {
  let isDecoded = true
  const value = inner.replace(/\\([\s\S])|''|""|``/g, (pair, escaped: string | undefined) => {
    if (escaped === undefined) return pair[0] === quote ? quote : pair
    // `\n`, `\x41` and the like: none of this is needed in a name an honest client writes.
    if (!'\\\'"`'.includes(escaped)) isDecoded = false
    return escaped
  })
  return isDecoded ? value : null
}

function lexHeredoc(text: string, start: number): Token {
  let tagEnd = start + 1
  while (isWordChar(text.charCodeAt(tagEnd))) tagEnd += 1
  const tag = text.slice(start, tagEnd + 1)
  const close = text.charCodeAt(tagEnd) === DOLLAR ? text.indexOf(tag, tagEnd + 1) : -1
  // What an unclosed `$` means has changed between versions.
  if (close === -1) throw new NotUnderstood()
  return { kind: 'text', value: text.slice(tagEnd + 1, close), start, end: close + tag.length }
}
