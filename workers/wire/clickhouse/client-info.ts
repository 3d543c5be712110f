import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { since } from './revisions.ts'

/** What a query says of who runs it. */
export interface ClientInfo {
  /** `secondary`: part of a query that another server was given; the server checks its settings less. */
  readonly kind: 'none' | 'initial' | 'secondary'
  /** Who is said to have given the query to the first server. */
  readonly initialUser: string
  /** How it came to the first server. */
  readonly interface: 'none' | 'tcp' | 'http' | 'other'
  readonly clientName: string
  readonly quotaKey: string
}

const longest = 65536
/** Prometheus; those after HTTP say nothing more of themselves. */
const lastInterface = 8
const nobody: ClientInfo = { kind: 'none', initialUser: '', interface: 'none', clientName: '', quotaKey: '' }

/** Reads a query's client info. */
export function* readClientInfo(source: ByteSource, revision: number): Reading<ClientInfo> {
  const kind = (['none', 'initial', 'secondary'] as const)[yield* source.byte()]
  if (kind === undefined) throw malformed('a query is of an unknown kind')
  if (kind === 'none') return nobody
  const initialUser = yield* source.text(longest, 'the name of the first user')
  yield* source.prefixed(longest, 'the id of the first query')
  yield* source.prefixed(longest, 'the address of the first client')
  if (revision >= since.startTime) yield* source.skip(8)
  const number = yield* source.byte()
  if (number === 0 || number > lastInterface) throw malformed('a query came to the first server in an unknown way')
  const via = number === 1 ? 'tcp' : number === 2 ? 'http' : 'other'
  const clientName = yield* readVia(source, via, revision)
  const quotaKey = yield* source.text(longest, 'the quota key')
  if (revision >= since.distributedDepth) yield* source.varint()
  if (via === 'tcp' && revision >= since.patchVersion) yield* source.varint()
  if (revision >= since.telemetry) yield* skipTrace(source)
  if (revision >= since.parallelReplicas) for (let count = 0; count < 3; count += 1) yield* source.varint()
  return { kind, initialUser, interface: via, clientName, quotaKey }
}

/** What depends on how it came; the name of the client. */
function* readVia(source: ByteSource, via: 'tcp' | 'http' | 'other', revision: number): Reading<string> {
  if (via === 'other') return ''
  return via === 'tcp' ? yield* readProgram(source) : yield* readHttp(source, revision)
}

function* readProgram(source: ByteSource): Reading<string> {
  yield* source.prefixed(longest, 'the name of the system user')
  yield* source.prefixed(longest, 'the name of the host')
  const name = yield* source.text(longest, 'the name of the client')
  for (let count = 0; count < 3; count += 1) yield* source.varint()
  return name
}

function* readHttp(source: ByteSource, revision: number): Reading<string> {
  yield* source.byte()
  const agent = yield* source.text(longest, 'the user agent')
  if (revision >= since.forwardedFor) yield* source.prefixed(longest, 'the forwarding addresses')
  if (revision >= since.referer) yield* source.prefixed(longest, 'the referer')
  return agent
}

function* skipTrace(source: ByteSource): Reading<void> {
  const has = yield* source.byte()
  if (has === 0) return
  if (has !== 1) throw malformed('a trace is neither there nor not')
  yield* source.skip(24)
  yield* source.prefixed(longest, 'the state of a trace')
  yield* source.byte()
}
