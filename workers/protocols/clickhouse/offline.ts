import type { OfflineDecoder } from '../../contract/offline.ts'
import { chooseByFields } from '../../upstream/choose-by-fields.ts'
import { splitAuthority } from '../../wire/http/agent-host.ts'
import { describedBody, describedHead } from '../../wire/http/described-request.ts'
import { HttpFacts, unknownsOf } from '../../wire/http/request-facts.ts'
import { describedStatements } from '../../wire/sql/described-statements.ts'
import { analyseBeside } from './analyse-beside.ts'
import { type ClickhouseHttpsSettings, usualDatabase } from './definition.ts'
import { inDatabase } from './in-database.ts'
import { loadAnalyser } from './statement.ts'

/** Loads what tells rules of described SQL what they would be told of statements on the wire. */
export async function loadOffline(): Promise<OfflineDecoder> {
  const analyse = await loadAnalyser()
  return (described, { credentials }) => {
    const { database = '', settings = {} } = described.sql ?? {}
    const credential = chooseByFields(credentials, { database: described.sql?.database })?.name ?? null
    const inSession = (text: string) =>
      analyseBeside(analyse, text, settings).map((statement) => inDatabase(statement, database))
    return describedStatements(described, inSession, takesParams).map((seen) => ({ ...seen, credential }))
  }
}

/** The same for a server reached over HTTPS: the request is told of as well, where it is described. */
export async function loadHttpsOffline(): Promise<OfflineDecoder> {
  const decode = await loadOffline()
  return (described, endpoint, limits) => {
    const { host = '', http, sql } = described
    const { database = usualDatabase, tls = true } = endpoint.settings as ClickhouseHttpsSettings
    const named = sql === undefined ? described : { ...described, sql: { database, ...sql } }
    const seen = decode(named, endpoint, limits)
    if (http === undefined) return seen
    const head = describedHead(http)
    const body = describedBody(described, head, endpoint, limits)
    const request = new HttpFacts(head, splitAuthority(host.toLowerCase()).host, body, tls ? 'https' : 'http')
    const unknowns = unknownsOf(head, body)
    return seen.map((each) => ({
      ...each,
      facts: { ...each.facts, http: request },
      unknowns: [...each.unknowns, ...unknowns],
    }))
  }
}

/** Whether a text may have parameters, written `{name:Type}`. */
function takesParams(text: string): boolean {
  return /\{\s*[\w$]+\s*:/.test(text)
}
