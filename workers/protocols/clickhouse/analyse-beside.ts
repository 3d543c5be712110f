import type { AnalysedStatement, AnalyseSql } from '../../contract/sql.ts'
import { noFacts, unseenStatement } from '../../wire/sql/unseen-statement.ts'
import { changesReading } from './settings.ts'

/**
 * Takes a text apart that comes with settings beside it. Settings that have the server read another dialect, other
 * tables or further conditions leave everything but the text unknown. A text without a statement is one that does
 * nothing: the server says what it thinks of it.
 * @param settings given beside the text
 */
export function analyseBeside(
  analyse: AnalyseSql,
  text: string,
  settings: { readonly [name: string]: string },
): readonly AnalysedStatement[] {
  for (const [name, value] of Object.entries(settings))
    if (changesReading(name, value)) return [unseenStatement({ statement: text.trim() }, ['statement'], 'unparsed')]
  const statements = analyse(text)
  return statements.length > 0 ? statements : [{ facts: { ...noFacts, statement: text.trim() }, unknowns: [] }]
}
