import { NotUnderstood, nextToken, type Token } from './lexer.ts'
import { emptySeen, markSeen, rewindSeen, type Seen } from './seen.ts'

/** Walks the tokens of one text; every reader takes what it understands and fails on the rest. */
export class Cursor {
  readonly text: string
  seen: Seen = emptySeen()
  readonly #tokens: Token[] = []
  #at = 0
  #depth = 0
  #wasted = 0
  #idle = 0
  #idleAt = 0

  constructor(text: string) {
    this.text = text
  }

  /** The token `ahead` places on; lexed when first asked for, since inline data is not SQL. */
  peek(ahead = 0): Token {
    // A reader that takes nothing and looks again and again would never end.
    if (this.#at !== this.#idleAt) this.#idle = 0
    this.#idleAt = this.#at
    this.#idle += 1
    if (this.#idle > MAX_IDLE) this.fail()
    const index = this.#at + ahead
    for (let last = this.#tokens.at(-1) ?? null; this.#tokens.length <= index; ) {
      last = nextToken(this.text, last?.end ?? 0, last)
      this.#tokens.push(last)
    }
    return this.#tokens[index] ?? this.fail()
  }

  /** Where the token taken last ends. */
  get takenTo(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0
  }

  next(): Token {
    const token = this.peek()
    if (token.kind !== 'end') this.#at += 1
    return token
  }

  /** The keyword `ahead` places on, upper case; empty when there is none. */
  word(ahead = 0): string {
    const token = this.peek(ahead)
    return token.kind === 'word' ? (token.value ?? '') : ''
  }

  isWords(...words: readonly string[]): boolean {
    for (let index = 0; index < words.length; index += 1) if (this.word(index) !== words[index]) return false
    return true
  }

  /** Takes the keywords if all of them come next, in this order. */
  take(...words: readonly string[]): boolean {
    if (!this.isWords(...words)) return false
    this.#at += words.length
    return true
  }

  /** Takes the first of the keywords that comes next; empty when none does. */
  takeOneOf(words: ReadonlySet<string>): string {
    const word = this.word()
    if (!words.has(word)) return ''
    this.#at += 1
    return word
  }

  need(...words: readonly string[]): void {
    if (!this.take(...words)) this.fail()
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.kind === 'symbol' && token.value === symbol
  }

  takeSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.#at += 1
    return true
  }

  needSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) this.fail()
  }

  isKind(kind: Token['kind'], ahead = 0): boolean {
    return this.peek(ahead).kind === kind
  }

  /** Takes a token of the kind; null when another comes next. */
  takeKind(kind: Token['kind']): Token | null {
    return this.isKind(kind) ? this.next() : null
  }

  needKind(kind: Token['kind']): Token {
    return this.takeKind(kind) ?? this.fail()
  }

  /** One or more of what `read` reads, with commas between. */
  list(read: () => void): void {
    do read()
    while (this.takeSymbol(','))
  }

  /** Whether the statement ends here. */
  isDone(): boolean {
    return this.isKind('end') || this.isSymbol(';')
  }

  /** Reads one level deeper; the server itself stops at 1,000. */
  nest<T>(read: () => T): T {
    if (this.#depth >= MAX_DEPTH) this.fail()
    this.#depth += 1
    const value = read()
    this.#depth -= 1
    return value
  }

  /** Tries a reading; when it fails, nothing was read and the result is false. Bounded. */
  attempt(read: () => void): boolean {
    const at = this.#at
    const depth = this.#depth
    const mark = markSeen(this.seen)
    try {
      read()
      return true
    } catch (error) {
      this.#wasted += this.#at - at + 1
      if (!(error instanceof NotUnderstood) || this.#wasted > MAX_WASTED) throw error
      this.#at = at
      this.#depth = depth
      rewindSeen(this.seen, mark)
      return false
    }
  }

  /** Starts afresh at a later place of the text: after a statement, or behind one that was not understood. */
  restart(from: number): void {
    this.#tokens.length = 0
    this.#tokens.push({ kind: 'symbol', value: ';', start: from, end: from })
    this.#at = 1
    this.#depth = 0
    this.seen = emptySeen()
  }

  /** @throws NotUnderstood always */
  fail(): never {
    throw new NotUnderstood()
  }
}

const MAX_DEPTH = 200
/** Looks at one place of the text. */
const MAX_IDLE = 10_000
/** Tokens read in vain, over the whole text. */
const MAX_WASTED = 100_000
