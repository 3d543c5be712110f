import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { type ClientInfo, readClientInfo } from './client-info.ts'
import { since } from './revisions.ts'
import { readSettings, type Setting } from './settings.ts'

/** A statement as a client sends it. */
export interface Query {
  readonly id: string
  readonly info: ClientInfo
  readonly settings: readonly Setting[]
  /** What one server proves to another; empty from anyone else. */
  readonly secret: Buffer
  /** How far it is to be run; 2: to the end. */
  readonly stage: number
  /** Whether the blocks of both sides are compressed from here on. */
  readonly isCompressed: boolean
  /** The text, or its first bytes where it is not kept whole. */
  readonly text: Buffer
  /** Length of the whole text, bytes. */
  readonly textBytes: number
  /** Parameters of the text. null: it is not kept whole, and they come after it. */
  readonly parameters: readonly Setting[] | null
}

/** Longest text that is kept whole, bytes. */
export const longestStatement = 1 << 20
const longestId = 65536
/** As long as a server takes. */
const longestText = 1 << 30

/** Reads a Query after its packet code, up to `longestStatement` of its text, and to its end when that is all. */
export function* readQuery(source: ByteSource, revision: number): Reading<Query> {
  const id = yield* source.text(longestId, 'the id of the query')
  const info = yield* readClientInfo(source, revision)
  const settings = yield* readSettings(source, revision)
  const secret =
    revision >= since.interserverSecret ? Buffer.from(yield* source.prefixed(32, 'the secret')) : Buffer.alloc(0)
  const stage = yield* source.varintUpTo(255, 'the stage')
  const compression = yield* source.varint()
  if (compression > 1) throw malformed('a query wants its blocks neither compressed nor not')
  const textBytes = yield* source.varintUpTo(longestText, 'the length of the text')
  const text = Buffer.from(yield* source.fixed(Math.min(textBytes, longestStatement)))
  const head = { id, info, settings, secret, stage, isCompressed: compression === 1, text, textBytes }
  if (textBytes > longestStatement) return { ...head, parameters: null }
  return { ...head, parameters: yield* readParameters(source, revision) }
}

/**
 * Passes over what `readQuery` left of a query.
 * @throws ClawError CP_PROTOCOL where parameters follow: they could not be written anew
 */
export function* skipRest(source: ByteSource, revision: number, { textBytes }: Query): Reading<void> {
  yield* source.skip(textBytes - longestStatement)
  if (revision >= since.parameters && (yield* source.byte()) !== 0)
    throw malformed(`a query has parameters and a text of more than ${longestStatement} bytes`)
}

function* readParameters(source: ByteSource, revision: number): Reading<readonly Setting[]> {
  return revision >= since.parameters ? yield* readSettings(source, revision) : []
}
