import { hideAll } from './effects.ts'
import { readNestedText } from './nested-text.ts'
import { asList, type Node, option, textOf } from './node.ts'
import { readPlpgsql } from './plpgsql.ts'
import type { Walk } from './walk.ts'

/** Adds what the code of a DO statement does. */
export function readDo(node: Node, walk: Walk): void {
  readBody(languageOf(node.args) ?? 'plpgsql', textOf(option(node.args, 'as')?.arg), walk)
}

/** Adds what the body of a function or procedure does once it is called. */
export function readFunction(node: Node, walk: Walk): void {
  // BEGIN ATOMIC and RETURN are parsed already, and walked
  if (node.sql_body !== undefined) return
  const source = asList(option(node.options, 'as')?.arg)
  const code = source.length === 1 ? textOf(source[0]) : null
  readBody(languageOf(node.options), code, walk)
}

function readBody(language: string | null, code: string | null, walk: Walk): void {
  if (code === null) hideAll(walk.effects)
  else if (language === 'sql') readNestedText(code, walk)
  else if (language === 'plpgsql') readPlpgsql(code, walk)
  else hideAll(walk.effects)
}

function languageOf(options: unknown): string | null {
  return textOf(option(options, 'language')?.arg)
}
