import type { OfflineDecoder } from '../../contract/offline.ts'
import { chooseByFields } from '../../upstream/choose-by-fields.ts'
import { describedStatements } from '../../wire/sql/described-statements.ts'
import { analyseBeside } from './analyse-beside.ts'
import { inDatabase } from './in-database.ts'
import { loadAnalyser } from './statement.ts'

/** Loads what tells rules of described SQL what they would be told of statements on the wire. */
export async function loadOffline(): Promise<OfflineDecoder> {
  const analyse = await loadAnalyser()
  return (described, { credentials }) => {
    const { database = '', settings = {} } = described.sql ?? {}
    const credential = chooseByFields(credentials, { database: described.sql?.database })?.name ?? null
    const inSession = (text: string) =>
      analyseBeside(analyse, text, Object.keys(settings)).map((statement) => inDatabase(statement, database))
    return describedStatements(described, inSession, takesParams).map((seen) => ({ ...seen, credential }))
  }
}

/** Whether a text may have parameters, written `{name:Type}`. */
function takesParams(text: string): boolean {
  return /\{\s*[\w$]+\s*:/.test(text)
}
