import { ByteSink } from './byte-sink.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { since } from './revisions.ts'

/** What a query says of who runs it. */
export interface ClientInfo {
  /** `secondary`: part of a query that another server was given. */
  readonly kind: 'none' | 'initial' | 'secondary'
  /** Who is said to have given the query to the first server. */
  readonly initialUser: string
  /** How it came to the first server. */
  readonly interface: 'none' | 'tcp' | 'http' | 'other'
  readonly clientName: string
  readonly quotaKey: string
  /**
   * How a server gets it: as a query that comes from a client, whose settings the server checks, and without an address
   * it might fail at.
   */
  readonly bytes: Buffer
}

const longest = 65536
/** Prometheus; those after HTTP say nothing more of themselves. */
const lastInterface = 8

/** Reads a query's client info. */
export function* readClientInfo(source: ByteSource, revision: number): Reading<ClientInfo> {
  const kind = (['none', 'initial', 'secondary'] as const)[yield* source.byte()]
  if (kind === undefined) throw malformed('a query is of an unknown kind')
  if (kind === 'none')
    return { kind, initialUser: '', interface: 'none', clientName: '', quotaKey: '', bytes: Buffer.from([0]) }
  const copy = new Copy(source)
  copy.sink.byte(1)
  const initialUser = yield* copy.text('the name of the first user')
  yield* copy.text('the id of the first query')
  yield* source.prefixed(longest, 'the address of the first client')
  copy.sink.text('0.0.0.0:0')
  if (revision >= since.startTime) yield* copy.fixed(8)
  const number = yield* copy.byte()
  if (number === 0 || number > lastInterface) throw malformed('a query came to the first server in an unknown way')
  const via = number === 1 ? 'tcp' : number === 2 ? 'http' : 'other'
  const clientName = yield* copyVia(copy, via, revision)
  const quotaKey = yield* copy.text('the quota key')
  if (revision >= since.distributedDepth) yield* copy.varint()
  if (via === 'tcp' && revision >= since.patchVersion) yield* copy.varint()
  if (revision >= since.telemetry) yield* copyTrace(copy)
  if (revision >= since.parallelReplicas) for (let count = 0; count < 3; count += 1) yield* copy.varint()
  return { kind, initialUser, interface: via, clientName, quotaKey, bytes: copy.sink.whole() }
}

/** What depends on how it came; the name of the client. */
function* copyVia(copy: Copy, via: 'tcp' | 'http' | 'other', revision: number): Reading<string> {
  if (via === 'other') return ''
  if (via === 'http') {
    yield* copy.byte()
    const agent = yield* copy.text('the user agent')
    if (revision >= since.forwardedFor) yield* copy.text('the forwarding addresses')
    if (revision >= since.referer) yield* copy.text('the referer')
    return agent
  }
  yield* copy.text('the name of the system user')
  yield* copy.text('the name of the host')
  const name = yield* copy.text('the name of the client')
  for (let count = 0; count < 3; count += 1) yield* copy.varint()
  return name
}

function* copyTrace(copy: Copy): Reading<void> {
  const has = yield* copy.byte()
  if (has === 0) return
  if (has !== 1) throw malformed('a trace is neither there nor not')
  yield* copy.fixed(24)
  yield* copy.text('the state of a trace')
  yield* copy.byte()
}

/** Reads values and writes them anew. */
class Copy {
  readonly sink = new ByteSink()
  readonly #source: ByteSource

  constructor(source: ByteSource) {
    this.#source = source
  }

  *byte(): Reading<number> {
    const value = yield* this.#source.byte()
    this.sink.byte(value)
    return value
  }

  *varint(): Reading<void> {
    this.sink.varint(yield* this.#source.varint())
  }

  *fixed(length: number): Reading<void> {
    this.sink.raw(Buffer.from(yield* this.#source.fixed(length)))
  }

  *text(what: string): Reading<string> {
    const value = yield* this.#source.text(longest, what)
    this.sink.text(value)
    return value
  }
}
