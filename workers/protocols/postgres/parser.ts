import { loadModule, parsePlPgSQLSync, parseSync, scanSync } from 'libpg-query'
import type { Node } from './node.ts'
import { asList, asNode } from './node.ts'

/** One statement as the parser bounds it, in bytes of the UTF-8 text. */
export interface ParsedStatement {
  readonly tree: Node
  readonly start: number
  /** Bytes; 0: up to the end. */
  readonly length: number
}

/** A token; `start` and `end` are bytes of the UTF-8 text. */
export interface Token {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** PostgreSQL's own grammar. Each gives null for what it cannot read. */
export interface Parser {
  parse(text: string): readonly ParsedStatement[] | null
  /** @param text one whole DO, CREATE FUNCTION or CREATE PROCEDURE statement in plpgsql */
  parsePlpgsql(text: string): unknown
  scan(text: string): readonly Token[] | null
}

/** Loads the grammar into this thread. */
export async function loadParser(): Promise<Parser> {
  await loadModule()
  return {
    parse: orNull((text) => statementsOf(parseSync(text))),
    parsePlpgsql: orNull((text): unknown => parsePlPgSQLSync(text)),
    scan: orNull((text) => scanSync(text).tokens),
  }
}

function orNull<T>(read: (text: string) => T): (text: string) => T | null {
  return (text) => {
    try {
      return read(text)
    } catch {
      return null
    }
  }
}

function statementsOf(result: object): readonly ParsedStatement[] | null {
  const statements: ParsedStatement[] = []
  for (const item of asList((result as Node).stmts)) {
    const raw = asNode(item)
    const tree = asNode(raw?.stmt)
    if (raw === null || tree === null) return null
    statements.push({ tree, start: offset(raw.stmt_location), length: offset(raw.stmt_len) })
  }
  return statements
}

function offset(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
