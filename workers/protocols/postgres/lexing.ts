import type { Unknown } from '../../contract/action.ts'

const nothingBut7Bit = /^\p{ASCII}*$/u

/** What a server says of how it reads text: it must read a statement as it was taken apart. */
export class Lexing {
  #strings: string | undefined
  #encoding: string | undefined
  /** Whether it ever was another way than usual: it may then become so again at any time. */
  wasStrange = false

  constructor(parameters: ReadonlyMap<string, string>) {
    for (const [name, value] of parameters) this.set(name, value)
    if (!this.#isUsual) this.wasStrange = true
  }

  /** Takes note of a ParameterStatus. */
  set(name: string, value: string): void {
    if (name === 'standard_conforming_strings') this.#strings = value
    else if (name === 'client_encoding') this.#encoding = value.toUpperCase()
    else return
    // before the first of both is known nothing can be said
    if (this.#strings !== undefined && this.#encoding !== undefined && !this.#isUsual) this.wasStrange = true
  }

  get #isUsual(): boolean {
    return this.#strings === 'on' && this.#encoding === 'UTF8'
  }

  /** The text of a statement as the server reads it, or why that is not known. */
  read(bytes: Buffer): { readonly text: string; readonly unknown: Unknown['because'] | null } {
    const text = bytes.toString('utf8', 0, bytes.length)
    // every encoding a server knows has ASCII in it, and a text of nothing else is the same in all of them
    const isReadable = this.#encoding === 'UTF8' ? !text.includes('\ufffd') || isUtf8(bytes) : nothingBut7Bit.test(text)
    if (!isReadable) return { text, unknown: 'undecodable' }
    return { text, unknown: this.#strings === 'on' ? null : 'unparsed' }
  }
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8', 0, bytes.length)).equals(bytes)
}
