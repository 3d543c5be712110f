import type { AnalyseSql } from '../../contract/sql.ts'
import { parseText } from './parse-text.ts'

/**
 * Loads the analysis of ClickHouse SQL. What its grammar does not know, to the last token, comes back as unknown.
 * @see clickhouse.com/docs/sql-reference
 */
export function loadAnalyser(): Promise<AnalyseSql> {
  return Promise.resolve(parseText)
}
