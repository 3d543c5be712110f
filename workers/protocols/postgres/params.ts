import type { Unknown } from '../../contract/action.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import { type BoundValue, mostParamBytes } from './bind-message.ts'
import { binaryText, plainText } from './param-text.ts'
import { executedName } from './prepared.ts'

/** The parameters of a statement, as rules and records are told of them. */
export type Params =
  | {
      readonly kind: 'known'
      /** By number, without those that are NULL. */
      readonly values: { readonly [number: string]: string }
      readonly nulls: readonly string[]
      readonly count: number
      /** Rough size of what is remembered of them, UTF-16 units. */
      readonly size: number
    }
  | {
      readonly kind: 'unknown'
      readonly because: Unknown['because']
      readonly nulls: readonly string[]
      /** null: not even that is known. */
      readonly count: number | null
      readonly size: 0
    }
  /** The statement is only prepared. */
  | { readonly kind: 'pending' }

/** Parameters that were given to a portal, or not. */
export type BoundParams = Exclude<Params, { kind: 'pending' }>

/** A statement without parameters. */
export const noParams: BoundParams = { kind: 'known', values: {}, nulls: [], count: 0, size: 0 }
/** Parameters that are given when the statement runs. */
export const pendingParams: Params = { kind: 'pending' }

/** Parameters of which nothing is known. */
export function unknownParams(because: Unknown['because']): BoundParams {
  return { kind: 'unknown', because, nulls: [], count: null, size: 0 }
}

/**
 * What a Bind gives.
 * @param types numbers of the types of the parameters as far as they are known
 * @param textOf decodes text of the session; null: it cannot be told
 */
export function boundParams(
  bound: readonly BoundValue[] | null,
  types: readonly number[],
  textOf: (bytes: Buffer) => string | null,
): BoundParams {
  if (bound === null) return unknownParams('truncated')
  if (bound.length === 0) return noParams
  const values: { [number: string]: string } = {}
  const nulls: string[] = []
  let size = 0
  let isKnown = true
  bound.forEach(({ bytes, isBinary }, index) => {
    const name = String(index + 1)
    if (bytes === null) nulls.push(name)
    if (bytes === null || !isKnown) return
    const type = types[index] ?? 0
    const text = isBinary ? binaryText(type, bytes, textOf) : plainText(type, textOf(bytes))
    if (text === null) {
      isKnown = false
      return
    }
    values[name] = text
    size += text.length + 16
  })
  const count = bound.length
  if (!isKnown) return { kind: 'unknown', because: 'undecodable', nulls, count, size: 0 }
  return { kind: 'known', values, nulls, count, size }
}

/** Whether a text may have parameters, written `$1`; true also where that stands in a literal. */
export function takesParams(text: string): boolean {
  return /\$\d/.test(text)
}

/**
 * The parameters a statement runs with.
 * @param bound what its portal was bound with; of a statement sent as text nothing
 */
export function paramsOf({ facts, unknowns }: AnalysedStatement, bound: BoundParams): Params {
  const { verb, verbs, statement: text } = facts
  // what it prepares is judged again when it is executed
  if (verb === 'prepare') return takesParams(text) ? pendingParams : noParams
  const isObscure = unknowns.some(({ path }) => path === 'sql.verb' || path === 'sql.verbs')
  if (!isObscure && !verbs.includes('execute')) return bound
  if (executedName(text) !== null) return argumentsIn(text)
  // a portal of what was prepared by SQL is shown as that PREPARE
  if (bound.count !== 0 || (verb === 'execute' && /^\s*prepare\b/i.test(text))) return bound
  return unknownParams(isObscure ? 'unparsed' : 'undecodable')
}

const argumentList = /^\s*execute\s+(?:"(?:[^"\0]|"")+"|[a-z_][\w$]*)\s*(?:\(([\s\S]*)\)\s*)?$/i
const argument = /\s*(?:(-[1-9]\d*|0|[1-9]\d*)|'((?:[^']|'')*)'|(true)|(false)|(null))\s*/iy

/** Arguments of an EXECUTE, where all of them are written out. */
function argumentsIn(text: string): BoundParams {
  const found = argumentList.exec(text)
  if (found === null) return unknownParams('undecodable')
  const list = found[1] ?? ''
  const values: { [number: string]: string } = {}
  const nulls: string[] = []
  let count = 0
  let size = 0
  for (let at = 0; list !== ''; at += 1) {
    argument.lastIndex = at
    const next = argument.exec(list)
    if (next === null) return unknownParams('undecodable')
    count += 1
    const value = writtenValue(next)
    if (value === null) nulls.push(String(count))
    else values[String(count)] = value
    size += (value?.length ?? 0) + 16
    if (size > mostParamBytes) return unknownParams('truncated')
    at = argument.lastIndex
    if (at === list.length) break
    if (list[at] !== ',') return unknownParams('undecodable')
  }
  return { kind: 'known', values, nulls, count, size }
}

function writtenValue([, number, string, isTrue, isFalse]: RegExpExecArray): string | null {
  if (number !== undefined) return number
  if (string !== undefined) return string.replaceAll("''", "'")
  return isTrue !== undefined ? 't' : isFalse !== undefined ? 'f' : null
}
