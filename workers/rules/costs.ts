import { spend } from './budget.ts'
import { knownSize } from './plain-value.ts'

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
  __join: 120,
  startsWith: 0,
  endsWith: 0,
  contains: 0,
  __indexOf: 9,
  __lastIndexOf: 9,
  __substring: 4,
  charAt: 4,
  __size: 4,
  __trim: 2,
  __split: 25,
  replace: 30,
  __lowerAscii: 60,
  __upperAscii: 60,
  reverse: 100,
  quote: 60,
  bytes: 12,
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
  spend(callNs)
  let cost = 0
  for (const value of args) cost += each * lengthOf(value)
  const [text, part] = args
  if (typeof text === 'string') {
    if (searching.has(name) && typeof part === 'string') cost += searchNs(text, part)
    // the engine goes back over the text from every place
    if (name === '__lastIndexOf' && typeof part === 'string') cost += text.length * part.length
    if (byPoint.has(name)) {
      spend(cost)
      cost = /[\ud800-\udfff]/.test(text) ? pointNs * text.length : 0
    }
    if (typeof part === 'string' && (name === 'startsWith' || name === 'endsWith')) cost += part.length
  }
  spend(cost)
}

/** One character is found by the machine; up to 7 are tried at every place where the first stands; more are skipped to, unless
 * text and part are made to be skipped to in vain. */
function searchNs(text: string, { length }: string): number {
  return text.length * (length <= 1 ? 0.2 : length < 8 ? 5 : length / 4)
}

const compareNs = 80
const copyNs = 60

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
  spend(40 * list.length)
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

/** Pays for writing a value out as a key of a set. */
export function payKeys(list: readonly unknown[]): void {
  spend(300 * list.length)
  for (let time = 0; time < 3; time += 1) payDeep(list)
}

const errorNs = 60_000

/** Pays for an error after it was thrown: they cost more than what they are about. */
export function payError(): void {
  spend(errorNs)
}

function payDeep(value: unknown): void {
  spend(elementNs + keyNs * sizeOfMap(value))
  if (typeof value === 'string') spend(value.length)
  else if (value instanceof Map) for (const each of value.values()) payDeep(each)
  else if (value instanceof Uint8Array) spend(value.length)
  else if (Array.isArray(value)) for (const each of value) payDeep(each)
  else if (typeof value === 'object' && value !== null) for (const key in value) payDeep(value[key as never])
}

const elementNs = 150
const nodeNs = 120

/** Pays for a loop over `items` before it runs; what its body calls is paid for there. */
export function payLoop(items: unknown, bodyNodes: number): void {
  spend(callNs)
  const map = sizeOfMap(items)
  spend(map * keyNs + lengthOf(items) * nodeNs * (2 + bodyNodes))
}

/** Listing the keys of a large object takes long. */
const keyNs = 200

/** Elements of a list or a map, characters of a text. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length
  return sizeOfMap(value)
}

function sizeOfMap(value: unknown): number {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 0
  if (value instanceof Map || value instanceof Set) return value.size
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return 0
  return knownSize(value)
}
