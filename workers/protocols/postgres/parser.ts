import { compileGrammar, type Grammar, type MakeGrammar } from './grammar.ts'
import { asList, asNode, type Node } from './node.ts'
import { isShallow } from './shallow.ts'

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

/** An instance that grew beyond this is given up, bytes: memory of an instance never shrinks. */
const mostMemory = 128 << 20

/** Loads the grammar into this thread. */
export async function loadParser(): Promise<Parser> {
  const instances = new Instances(await compileGrammar())
  await instances.prepare()
  return {
    parse: (text) => (isShallow(text) ? statementsOf(instances.read((grammar) => grammar.parse(text))) : null),
    parsePlpgsql: (text) => (isShallow(text) ? instances.read((grammar) => grammar.parsePlpgsql(text)) : null),
    scan: (text) => {
      const tokens = asNode(instances.read((grammar) => grammar.scan(text)))?.tokens
      return Array.isArray(tokens) ? (tokens as Token[]) : null
    },
  }
}

/** The instance in use, and one to take its place: what runs out of stack or memory in one spoils it. */
class Instances {
  readonly #make: MakeGrammar
  #current: Grammar | null = null
  #spare: Grammar | null = null
  #isMaking = false

  constructor(make: MakeGrammar) {
    this.#make = make
  }

  prepare(): Promise<void> {
    return this.#fill()
  }

  /** The JSON an instance printed, parsed; null for what it refuses, or cannot do. */
  read(from: (grammar: Grammar) => string | null): unknown {
    const grammar = this.#current
    if (grammar === null) {
      this.#replenish()
      return null
    }
    try {
      const json = from(grammar)
      if (grammar.memory() > mostMemory) this.#giveUp()
      return json === null ? null : JSON.parse(json)
    } catch {
      this.#giveUp()
      return null
    }
  }

  /** Without a spare, nothing is understood until the next one is there. */
  #giveUp(): void {
    this.#current = this.#spare
    this.#spare = null
    this.#replenish()
  }

  #replenish(): void {
    if (this.#isMaking) return
    this.#isMaking = true
    void this.#fill()
      .catch(() => undefined)
      .finally(() => {
        this.#isMaking = false
      })
  }

  async #fill(): Promise<void> {
    while (this.#current === null || this.#spare === null) {
      const made = await this.#make()
      if (this.#current === null) this.#current = made
      else this.#spare = made
    }
  }
}

function statementsOf(result: unknown): readonly ParsedStatement[] | null {
  if (result === null) return null
  const statements: ParsedStatement[] = []
  for (const item of asList(asNode(result)?.stmts)) {
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
