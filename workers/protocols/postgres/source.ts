import { type Effects, include } from './effects.ts'
import type { Parser } from './parser.ts'

/** Gathers what a statement does, or a part of one. */
export type ReadStatement = (tree: unknown, text: string, source: Source) => Effects

/** What the statements of one text share while they are analysed. */
export interface Source {
  readonly parser: Parser
  /** What SQL statements prepared by name in this text do. */
  readonly prepared: Map<string, Effects>
  /** Reads one statement of a text nested in this one. */
  readonly read: ReadStatement
  /** How deep the text at hand is nested in others. */
  readonly depth: number
  /** Bytes of nested texts that may still be parsed; shared by all depths. */
  readonly budget: { bytes: number }
}

/** Nested texts of one text, all together; more is not looked at. */
const nestedBytes = 1 << 20
const deepest = 8

export function newSource(parser: Parser, read: ReadStatement): Source {
  return { parser, read, prepared: new Map(), depth: 0, budget: { bytes: nestedBytes } }
}

/** The source of a text found inside another; null when there are too many of them, or too deep. */
export function nestedSource(source: Source, text: string): Source | null {
  // even an empty text costs a call
  source.budget.bytes -= text.length + 64
  if (source.budget.bytes < 0 || source.depth >= deepest) return null
  return { ...source, prepared: new Map(), depth: source.depth + 1 }
}

/** Adds what a nested text may have prepared anew under a name that is known. */
export function includePrepared(source: Source, nested: Source): void {
  for (const [name, body] of nested.prepared) {
    const known = source.prepared.get(name)
    if (known !== undefined) include(known, body)
  }
}

/** Forgets what was prepared once something ran that cannot be seen through: it may have prepared something else. */
export function forgetPrepared(source: Source, ran: Effects): void {
  if (ran.hidden.has('verbs') || ran.hidden.has('is_write')) source.prepared.clear()
}
