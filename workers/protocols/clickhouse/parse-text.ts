import type { AnalysedStatement } from '../../contract/sql.ts'

/** Every statement of a text with what it was seen to do; never throws. */
export function splitStatements(text: string): readonly AnalysedStatement[] {
  if (text.trim() === '') return []
  const paths = [
    'verb',
    'verbs',
    'tables',
    'target_tables',
    'columns',
    'functions',
    'is_write',
    'uses_program',
    'statement_count',
  ]
  return [
    {
      facts: {
        verb: '',
        verbs: [],
        tables: [],
        target_tables: [],
        columns: [],
        functions: [],
        statement: text,
        is_write: false,
        uses_program: false,
        statement_count: 0,
      },
      unknowns: paths.map((path) => ({ path: `sql.${path}`, because: 'unparsed' as const })),
    },
  ]
}
