import { spend } from './budget.ts'

/** What a call costs besides its arguments. */
const callNs = 120

/** What calls cost per character of their texts, or per element of their lists; those that are not here cost `usualNs`. */
const ns: { readonly [name: string]: number } = {
  dyn: 0,
  type: 0,
  rate: 0,
  // these say themselves what they cost
  __matches: 0,
  format: 0,
  __join: 20,
  startsWith: 0,
  endsWith: 0,
  contains: 0,
  __indexOf: 2,
  __lastIndexOf: 2,
  __substring: 2,
  charAt: 2,
  __size: 2,
  __trim: 2,
  __split: 25,
  replace: 30,
  __lowerAscii: 60,
  __upperAscii: 60,
  reverse: 100,
  quote: 60,
  bytes: 2,
  hex: 4,
  base64: 4,
}
const usualNs = 40

/** Functions that search the first text for the second. */
const searching = new Set(['contains', '__indexOf', '__split', 'replace'])
/** Functions that take a text apart into code points where it has others than plain ones. */
const byPoint = new Set(['__indexOf', '__lastIndexOf', '__substring', 'charAt', '__size'])
const pointNs = 60

/** Pays for a call of a function before it runs. */
export function payCall(name: string, args: readonly unknown[]): void {
  const each = ns[name] ?? usualNs
  let cost = callNs
  for (const value of args) cost += each * lengthOf(value)
  const [text, part] = args
  if (typeof text === 'string') {
    if (searching.has(name) && typeof part === 'string') cost += searchNs(text, part)
    // the engine goes back over the text from every place
    if (name === '__lastIndexOf' && typeof part === 'string') cost += text.length * part.length
    if (byPoint.has(name) && /[\ud800-\udfff]/.test(text)) cost += pointNs * text.length
    if (typeof part === 'string' && (name === 'startsWith' || name === 'endsWith')) cost += part.length
  }
  spend(cost)
}

/** One character is found by the machine; up to 7 are tried at every place where the first stands; more are skipped to. */
function searchNs(text: string, { length }: string): number {
  return text.length * (length <= 1 ? 0.2 : length < 8 ? 4.2 : 2)
}

const compareNs = 80
const copyNs = 12

/** Pays for an operator before it runs. */
export function payOperator(op: string, left: unknown, right: unknown): void {
  switch (op) {
    case '+':
      // a text that is put together is copied when somebody looks at it
      spend(compareNs + (typeof left === 'string' ? 2 : copyNs) * (lengthOf(left) + lengthOf(right)))
      break
    case 'in':
      spend(compareNs)
      if (Array.isArray(right)) payEach(right, left)
      break
    case '==':
    case '!=':
      payComparison(left, right)
      break
    default:
      spend(compareNs + Math.min(lengthOf(left), lengthOf(right)))
  }
}

function payEach(list: readonly unknown[], value: unknown): void {
  spend(20 * list.length)
  if (typeof value === 'string' || typeof value === 'object') for (const each of list) payComparison(each, value)
}

/** Values that are not of one length are never compared in depth. */
function payComparison(left: unknown, right: unknown): void {
  spend(compareNs)
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length === right.length) spend(left.length)
  } else if (typeof left === 'object' && typeof right === 'object' && lengthOf(left) === lengthOf(right)) {
    payDeep(left)
  }
}

function payDeep(value: unknown): void {
  spend(compareNs)
  if (typeof value === 'string') spend(value.length)
  else if (value instanceof Map) for (const each of value.values()) payDeep(each)
  else if (value instanceof Uint8Array) spend(value.length)
  else if (Array.isArray(value)) for (const each of value) payDeep(each)
  else if (typeof value === 'object' && value !== null) for (const key in value) payDeep(value[key as never])
}

const nodeNs = 120

/** Pays for a loop over `items` before it runs; what its body calls is paid for there. */
export function payLoop(items: unknown, bodyNodes: number): void {
  spend(callNs + lengthOf(items) * nodeNs * (2 + bodyNodes))
}

const keyNs = 60

/** Elements of a list or a map, characters of a text. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 0
  if (value instanceof Map || value instanceof Set) return value.size
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return 0
  let count = 0
  for (const _ in value) {
    count += 1
    // counting them takes time of its own
    if (count % 64 === 0) spend(64 * keyNs)
  }
  return count
}
