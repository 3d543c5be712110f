import type { Fact } from '../../workers/contract/action.ts'
import { buildMatcher, type Matcher, type Stretch } from './matcher.ts'
import { secretForms, shortestSecret } from './secret-forms.ts'

/** Takes secrets out of what is recorded and logged. */
export interface Redactor {
  text(text: string): string
  /** Like `text`, and for words that may quote a header: what follows `Bearer` and the like goes too. */
  words(text: string): string
  /** As JSON; values under sensitive names become `***`, long texts are shortened. */
  json(facts: { readonly [name: string]: Fact }, longestText: number): string
  /** @param open sides where the sample may begin or end inside a secret */
  bytes(bytes: Uint8Array, open: { readonly start: boolean; readonly end: boolean }): Uint8Array
}

/** What stands where a known secret stood. */
export const redactedMark = '[REDACTED credential]'
/** What stands where a sensitive header's value stood. */
export const hiddenMark = '***'

/**
 * Builds a redactor for these secret values; build a new one whenever they change.
 * Values under six characters cannot be told from other text and stay.
 */
export function buildRedactor(secrets: readonly string[]): Redactor {
  const patterns = [...new Set(secrets.flatMap(secretForms))]
  const matcher = patterns.length === 0 ? null : buildMatcher(patterns)
  const text = (raw: string) => (matcher === null ? raw : replace(raw, matcher.find(raw)))
  return {
    text,
    words: (raw) => text(raw).replace(scheme, `$1 ${hiddenMark}`),
    json(facts, longestText) {
      const shorten = (long: string) => `${text(long).slice(0, longestText - 1)}…`
      const json = JSON.stringify(facts, (name, value) => plain(name, value, { longestText, shorten }))
      const clean = text(json)
      return clean === json || isJson(clean) ? clean : JSON.stringify({ '…': redactedMark })
    },
    bytes(bytes, open) {
      if (matcher === null || bytes.length === 0) return bytes
      const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
      const stretches = withEdges(raw, matcher, open)
      return stretches.length === 0 ? bytes : Buffer.from(replace(raw, stretches), 'latin1')
    },
  }
}

/** Whether the value of a header or fact of this name is never shown. */
export function isSensitiveName(name: string): boolean {
  return sensitive.test(name)
}

const sensitive =
  /^(proxy-)?authorization$|^(set-)?cookie2?$|api[-_]?key|passw(or)?d|secret|^x-amz-security-token$|[-_]token$|^token$|private[-_]?key|signature$/i

const scheme = /\b(Bearer|Basic|Digest|Negotiate|AWS4-HMAC-SHA256) +[^\s"',;][^\s"']*/gi

function plain(
  name: string,
  value: unknown,
  { longestText, shorten }: { readonly longestText: number; readonly shorten: (long: string) => string },
): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  // replacers of JSON.stringify get the whole object first, under the empty name
  if (name !== '' && value !== null && isSensitiveName(name)) return hiddenMark
  if (typeof value === 'string' && value.length > longestText) return shorten(value)
  return value
}

/** A secret with quotes in it may fit the punctuation between two facts. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function withEdges(raw: string, matcher: Matcher, open: { start: boolean; end: boolean }): readonly Stretch[] {
  const inside = matcher.find(raw)
  const head = open.start ? matcher.endsAtStart(raw, shortestSecret) : 0
  const tail = open.end ? matcher.beginsAtEnd(raw, shortestSecret) : 0
  if (head === 0 && tail === 0) return inside
  const edges: Stretch[] = []
  if (head > 0) edges.push([0, head])
  if (tail > 0) edges.push([raw.length - tail, raw.length])
  return merge([...inside, ...edges])
}

function merge(stretches: readonly Stretch[]): readonly Stretch[] {
  const merged: [number, number][] = []
  for (const [from, to] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

function replace(raw: string, stretches: readonly Stretch[]): string {
  if (stretches.length === 0) return raw
  let text = ''
  let at = 0
  for (const [from, to] of stretches) {
    text += raw.slice(at, from) + redactedMark
    at = to
  }
  return text + raw.slice(at)
}
