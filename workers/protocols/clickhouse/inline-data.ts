import { Cursor } from './cursor.ts'
import { readStatement } from './read-statement.ts'

/**
 * Where the data of an `INSERT … FORMAT x` begins: from there on nothing is SQL. null: the text is no such statement, or
 * not understood. Needs to see what follows the name of the format: `dataLookahead` more characters, or the end.
 */
export function dataStart(text: string): number | null {
  // most texts need no second reading
  if (!/\binsert\b[\s\S]*\bformat\b/i.test(text)) return null
  const cursor = new Cursor(text)
  try {
    return readStatement(cursor).endsText ? cursor.takenTo : null
  } catch {
    return null
  }
}

/** Characters after the format's name that may be looked at to tell data from SQL. */
export const dataLookahead = 512
