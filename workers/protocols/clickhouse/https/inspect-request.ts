import type { Sample } from '../../../contract/action.ts'
import { type DescribedAction, masked } from '../../../contract/described.ts'
import type { Endpoint } from '../../../contract/profile.ts'
import type { AnalysedStatement, AnalyseSql } from '../../../contract/sql.ts'
import type { Agent, Inspected, InspectedBy, InspectedRequest } from '../../../upstream/http/http-service.ts'
import { fillsLogin } from '../../../upstream/inject.ts'
import { wantsOf } from '../../../wire/http/body-wants.ts'
import type { Exchange } from '../../../wire/http/exchange.ts'
import { type InspectedBody, unreadBody } from '../../../wire/http/inspected-body.ts'
import { HttpFacts, unknownsOf } from '../../../wire/http/request-facts.ts'
import { isObscure, noFacts, unseenStatement } from '../../../wire/sql/unseen-statement.ts'
import { analyseBeside } from '../analyse-beside.ts'
import type { ClickhouseHttpsSettings } from '../definition.ts'
import { seenOf, unseen } from '../sql-facts.ts'
import { withoutSecrets } from '../without-secrets.ts'
import { agentUser } from './agent-login.ts'
import type { Form } from './form.ts'
import { keeping } from './keeping.ts'
import { asJudged, paramPrefix, type RequestSession, readSession } from './request-session.ts'
import { shapeOf } from './request-shape.ts'
import { type RequestText, readRequestForm, readRequestText, textOf } from './request-text.ts'
import { parameterOf, readParameters, type UrlParameters, withFields } from './url-parameters.ts'

/** The statement of a request as far as it can be told. */
interface Told {
  readonly statement: AnalysedStatement
  readonly body: InspectedBody
  /** What of the body's sample was read as SQL: all there is to it, not even the sample for sure, or nothing. */
  readonly read: 'whole' | 'begin' | 'nothing'
}

/** What a request is inspected with. */
export interface Inspecting extends InspectedBy {
  readonly analyse: AnalyseSql
}

/** Finds out what a request would have the server do. */
export async function inspectRequest(
  agent: Agent,
  exchange: Exchange,
  { endpoint, use, analyse }: Inspecting,
): Promise<InspectedRequest> {
  const { head } = exchange
  const url = readParameters(head.target)
  const shape = shapeOf(head, url, !exchange.body.isEmpty)
  const maxBytes = agent.session.limits.inspectBytes
  const form = isForm(exchange) ? await formOf(exchange, maxBytes) : null
  const parameters = form === null ? url : withFields(url, form.fields)
  const { database: usual, record_params: recordsParams = false } = settingsOf(endpoint)
  const said = readSession({ headers: head.headers, parameters, usual })
  // what another path does with the parameters only the server's configuration says
  const session = shape === 'other' ? { ...said, database: null } : said
  const told =
    shape === 'page' || endpoint === null
      ? ({ statement: nothing, body: unreadBody, read: 'nothing' } as const)
      : await tell(exchange, { form, parameters, session, shape, analyse, maxBytes, wants: wantsOf(endpoint) })
  if ('kind' in told) return told
  const { statement, body, read } = told
  const { database, params } = session
  const user = userOf(use) ?? agentUser({ headers: head.headers, parameters }) ?? ''
  const credential = use?.name ?? null
  const sql = { database, user, credential, settings: session.settings, params, recordsParams }
  const isWhole = shape === 'sql' && read === 'whole' && !isForm(exchange)
  const hidesParams = !recordsParams && form?.fields.some(({ name }) => name.startsWith(paramPrefix)) === true
  const { title, facts, unknowns, record, described } = seenOf(statement, sql)
  const http = new HttpFacts(head, agent.host, body, agent.scheme)
  const isKnown = (path: string) => !unknownsOf(head, body).some((unknown) => unknown.path === path)
  return {
    kind: 'inspected',
    facts: { ...facts, http },
    unknowns: [...unknowns, ...unknownsOf(head, body)],
    ...(shape === 'page' ? {} : { title, record: { ...record, host: agent.host } }),
    described: () => ({
      ...described?.(),
      host: agent.authority,
      http: describedHttp(exchange, http, { isKnown, recordsParams }),
    }),
    outgoing: (request) =>
      shape === 'page' ? request : { ...asJudged(request, session), ...keeping(exchange, { statement, isWhole }) },
    sample: (sample) =>
      read === 'nothing' ? null : shownSample(sample, { text: statement.facts.statement, read, hidesParams }),
    obstacle: shape === 'page' || !session.hasSession ? null : sessionObstacle(statement),
  }
}

/** Settings of an endpoint of this protocol. */
export function settingsOf(endpoint: Endpoint | null): Partial<ClickhouseHttpsSettings> {
  return (endpoint?.settings ?? {}) as Partial<ClickhouseHttpsSettings>
}

/** Who a credential logs in as; undefined: that is not its to say. */
function userOf(use: InspectedBy['use']): string | undefined {
  if (use === null || !fillsLogin(use)) return undefined
  const { user = 'default' } = use.settings as { readonly user?: string }
  return user
}

/** What a statement may do to the session that later requests name, so that nobody could tell what those mean. */
function sessionObstacle(statement: AnalysedStatement): Inspected['obstacle'] {
  if (statement.facts.verb === 'use')
    return {
      cause: 'unevaluable',
      reason: 'USE holds for no other request here: name the database in each, ?database=…',
    }
  if (!isObscure(statement)) return null
  const reason = 'it cannot be read and may change how later requests of its session are: send it without session_id'
  return { cause: 'unevaluable', reason }
}

const nothing: AnalysedStatement = { facts: noFacts, unknowns: [] }

interface Telling {
  readonly form: Form | null
  readonly parameters: UrlParameters
  readonly session: RequestSession
  readonly shape: 'sql' | 'other'
  readonly analyse: AnalyseSql
  readonly maxBytes: number
  readonly wants: ReturnType<typeof wantsOf>
}

async function tell(exchange: Exchange, telling: Telling): Promise<Told | Extract<RequestText, { kind: 'broken' }>> {
  const { form, parameters, session, shape, analyse, maxBytes, wants } = telling
  const { headers } = exchange.head
  const decompress = parameterOf(parameters, 'decompress') ?? '0'
  const isPlain = !isForm(exchange) && decompress === '0' && isCodingPlain(headers.all('content-encoding'))
  const query = parameterOf(parameters, 'query') ?? ''
  const isOnlyForm = form !== null && !wants.body
  const read = isOnlyForm
    ? textOf(query, unreadBody)
    : await readRequestText(exchange, { query, isPlain, wants, maxBytes })
  if (read.kind === 'broken') return read
  const { body } = read
  if (read.kind === 'unknown') {
    const isText = read.because !== 'undecodable' && !headers.has('content-encoding')
    return { statement: unseen(read.text, read.because), body, read: isText ? 'begin' : 'nothing' }
  }
  if (shape === 'other' || !session.isClear) return { statement: unseen(read.text, 'unparsed'), body, read: 'whole' }
  const [statement, ...more] = analyseBeside(analyse, read.text, session.settings)
  if (statement === undefined) return { statement: nothing, body, read: 'whole' }
  if (more.length === 0) return { statement, body, read: 'whole' }
  const given = { statement: read.text.trim(), statement_count: more.length + 1 }
  return { statement: unseenStatement(given, ['statement', 'statement_count'], 'unparsed'), body, read: 'whole' }
}

/** Whether some version of the server may take the body for a form. */
function isForm({ head, body }: Exchange): boolean {
  const types = head.headers.all('content-type')
  return !body.isEmpty && (types.length > 1 || types.some((type) => /multipart\/form-data/i.test(type)))
}

async function formOf(exchange: Exchange, maxBytes: number): Promise<Form | null> {
  exchange.invite()
  return await readRequestForm(exchange, maxBytes)
}

/** One coding that every server that knows it undoes in the same way. */
function isCodingPlain(values: readonly string[]): boolean {
  const [coding] = values
  return coding === undefined || (values.length === 1 && /^(gzip|deflate|br|zstd|lz4)$/.test(coding))
}

interface Showing {
  readonly text: string
  readonly read: Exclude<Told['read'], 'nothing'>
  /** Whether the body holds values of parameters that are not to be recorded. */
  readonly hidesParams: boolean
}

/** The sample of a body without secrets: where the text has some, the text stands for it. */
function shownSample(sample: Sample, { text, read, hidesParams }: Showing): Sample {
  const known = read === 'whole' ? text : text + Buffer.from(sample.bytes).toString()
  const shown = withoutSecrets(known)
  if (shown === known && !hidesParams) return sample
  return { ...sample, bytes: new Uint8Array(Buffer.from(shown)).subarray(0, sample.bytes.length), sha256: null }
}

/** A request as it is kept: what of it is SQL without secrets, parameters by name only. */
function describedHttp(
  { head, body }: Exchange,
  http: HttpFacts,
  { isKnown, recordsParams }: { readonly isKnown: (path: string) => boolean; readonly recordsParams: boolean },
): NonNullable<DescribedAction['http']> {
  const query = isKnown('http.query') ? Object.entries(http.query) : null
  return {
    method: head.method,
    ...(isKnown('http.path') ? { path: http.path } : {}),
    ...(query === null
      ? {}
      : { query: Object.fromEntries(query.map(([name, values]) => [name, shownValues(name, values, recordsParams)])) }),
    headers: http.headers,
    ...(body.isEmpty ? { body: '' } : {}),
  }
}

function shownValues(name: string, values: readonly string[], recordsParams: boolean): readonly string[] {
  if (name.startsWith(paramPrefix) && !recordsParams) return values.map(() => masked)
  return name.toLowerCase() === 'query' ? values.map(withoutSecrets) : values
}
