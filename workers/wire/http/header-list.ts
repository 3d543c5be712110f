/** A header field name in the spellings different readers want. */
export interface HeaderName {
  /** As received; goes back on an HTTP/1.1 wire. */
  readonly raw: string
  /** Lower case: for look-ups and for HTTP/2. */
  readonly lower: string
  /** Canonical as rules write it: `X-Api-Key`. */
  readonly canonical: string
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Spellings kept, because a client sends the same dozen names with every request. */
const maxKnown = 2048
const known = new Map<string, HeaderName>()

/** The name for a spelling; null when it is not a token of RFC 9110. */
export function headerName(raw: string): HeaderName | null {
  const found = known.get(raw)
  if (found !== undefined) return found
  if (!token.test(raw)) return null
  const lower = raw.toLowerCase()
  const canonical = lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
  // a copy: a slice would keep the whole head it was cut from
  const name = { raw: Buffer.from(raw, 'latin1').toString('latin1'), lower, canonical }
  if (known.size < maxKnown && raw.length <= 64) known.set(name.raw, name)
  return name
}

/** Header fields in the order they came; names may repeat. */
export class HeaderList {
  readonly names: HeaderName[] = []
  readonly values: string[] = []

  /** Makes a list of names and values one after the other. */
  static of(...pairs: readonly string[]): HeaderList {
    const list = new HeaderList()
    for (let at = 0; at + 1 < pairs.length; at += 2) list.set(pairs[at] ?? '', pairs[at + 1] ?? '')
    return list
  }

  get length(): number {
    return this.names.length
  }

  add(name: HeaderName, value: string): void {
    this.names.push(name)
    this.values.push(value)
  }

  /** First value of a lower-case name. */
  get(lower: string): string | undefined {
    const { names } = this
    for (let at = 0; at < names.length; at += 1) if (names[at]?.lower === lower) return this.values[at]
    return undefined
  }

  has(lower: string): boolean {
    return this.get(lower) !== undefined
  }

  /** All values of a lower-case name. */
  all(lower: string): string[] {
    return this.values.filter((_, at) => this.names[at]?.lower === lower)
  }

  /**
   * Replaces every occurrence of a name, in any case, by one field at the place of the first.
   * @throws TypeError when the name is not a token; a value with control characters is refused too
   */
  set(raw: string, value: string): void {
    const name = headerName(raw)
    if (name === null || !isFieldValue(value)) throw new TypeError('not a header field')
    const first = this.names.findIndex(({ lower }) => lower === name.lower)
    if (first < 0) {
      this.add(name, value)
      return
    }
    this.values[first] = value
    for (let at = this.names.length - 1; at > first; at -= 1) if (this.names[at]?.lower === name.lower) this.#drop(at)
  }

  delete(lower: string): void {
    for (let at = this.names.length - 1; at >= 0; at -= 1) if (this.names[at]?.lower === lower) this.#drop(at)
  }

  /** A list with the fields a test keeps. */
  filter(keep: (name: HeaderName, value: string) => boolean): HeaderList {
    const list = new HeaderList()
    for (let at = 0; at < this.names.length; at += 1) {
      const name = this.names[at]
      const value = this.values[at]
      if (name !== undefined && value !== undefined && keep(name, value)) list.add(name, value)
    }
    return list
  }

  #drop(at: number): void {
    this.names.splice(at, 1)
    this.values.splice(at, 1)
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const unfit = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/

/** Whether text may be a field value: no control characters but tab, nothing beyond latin1. */
export function isFieldValue(value: string): boolean {
  return !unfit.test(value)
}

/** Items of a comma-separated header, lower case, of all its occurrences. */
export function listItems(values: readonly string[]): string[] {
  return values
    .join(',')
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
}
