import type { Environment } from 'cel-js'
import { spend } from './budget.ts'
import { formatText } from './format-text.ts'
import { knownSize } from './plain-value.ts'

/** Longest text a function may make, characters. */
export const longestText = 4 * 1024 * 1024

/** Names that cel-js has and that are ours instead: its own count UTF-16 units, and take their time. */
export const textNames = [
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
  'split',
  'join',
  'size',
]

class Strings {}

/** Adds the strings extension of cel-go under the names that calls are renamed to; positions count code points. */
export function registerTexts(environment: Environment): void {
  const define = (signature: string, handler: (...args: never[]) => unknown) =>
    environment.registerFunction(signature, handler, { async: false })
  define('string.__lowerAscii(): string', (text: string) => text.replace(/[A-Z]+/g, (run) => run.toLowerCase()))
  define('string.__upperAscii(): string', (text: string) => text.replace(/[a-z]+/g, (run) => run.toUpperCase()))
  define('string.__trim(): string', trim)
  define('string.replace(string, string): string', (text: string, from: string, to: string) =>
    replace(text, from, to, -1),
  )
  define('string.replace(string, string, int): string', (text: string, from: string, to: string, most: bigint) =>
    replace(text, from, to, Number(most)),
  )
  define('string.charAt(int): string', (text: string, at: bigint) => {
    const points = pointsOf(text)
    return points.slice(inside('charAt', at, points.length), Number(at) + 1)
  })
  define('string.reverse(): string', (text: string) => [...text].reverse().join(''))
  define('string.__indexOf(string): int', (text: string, part: string) => find(text, part, 0n))
  define('string.__indexOf(string, int): int', find)
  define('string.__lastIndexOf(string): int', (text: string, part: string) => findLast(text, part, null))
  define('string.__lastIndexOf(string, int): int', findLast)
  define('string.__substring(int): string', (text: string, from: bigint) => cut(text, from, null))
  define('string.__substring(int, int): string', cut)
  define('string.__split(string): list<string>', (text: string, by: string) => split(text, by, -1))
  define('string.__split(string, int): list<string>', (text: string, by: string, most: bigint) =>
    split(text, by, Number(most)),
  )
  define('list<string>.__join(): string', (list: readonly unknown[]) => join(list, ''))
  define('list<string>.__join(string): string', join)
  define('string.format(list<dyn>): string', formatText)
  for (const signature of ['__size(string): int', 'string.__size(): int'])
    define(signature, (text: string) => BigInt(pointsOf(text).length))
  for (const type of ['bytes', 'list', 'map'])
    for (const signature of [`__size(${type}): int`, `${type}.__size(): int`]) define(signature, sizeOf)
  environment.registerType('Strings', Strings)
  environment.registerConstant('strings', 'Strings', new Strings())
  define('Strings.quote(string): string', (_: Strings, text: string) => quote(text))
}

/** A text whose positions are code points; a plain one needs no copy. */
interface Points {
  readonly length: number
  slice(from: number, to?: number): string
}

function pointsOf(text: string): Points {
  if (!hasSurrogates(text)) return text
  const points = [...text]
  return { length: points.length, slice: (from, to) => points.slice(from, to).join('') }
}

/** Quick where all characters are Latin-1, since V8 knows that. */
function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text)
}

/** White space as Unicode has it. */
function trim(text: string): string {
  const isSpace = (at: number) =>
    /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(text.charAt(at))
  let start = 0
  let end = text.length
  while (start < end && isSpace(start)) start += 1
  while (end > start && isSpace(end - 1)) end -= 1
  spend((start + text.length - end) * 50)
  return text.slice(start, end)
}

function sizeOf(value: Uint8Array | readonly unknown[] | ReadonlyMap<unknown, unknown> | object): bigint {
  if (value instanceof Map || value instanceof Set) return BigInt(value.size)
  if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value.length)
  return BigInt(knownSize(value))
}

function inside(name: string, at: bigint, length: number): number {
  if (at < 0n || at > BigInt(length)) throw new Error(`${name}() is out of range`)
  return Number(at)
}

/** Position in code points of a position in UTF-16 units. */
function pointAt(text: string, unit: number): bigint {
  return BigInt(unit <= 0 || !hasSurrogates(text) ? unit : [...text.slice(0, unit)].length)
}

function find(text: string, part: string, from: bigint): bigint {
  const points = pointsOf(text)
  const start = points.slice(0, inside('indexOf', from, points.length)).length
  return pointAt(text, text.indexOf(part, start))
}

function findLast(text: string, part: string, from: bigint | null): bigint {
  if (from === null) return pointAt(text, text.lastIndexOf(part))
  const points = pointsOf(text)
  const start = points.slice(0, inside('lastIndexOf', from, points.length)).length
  return pointAt(text, text.lastIndexOf(part, start))
}

function cut(text: string, from: bigint, to: bigint | null): string {
  const points = pointsOf(text)
  const end = to === null ? points.length : inside('substring', to, points.length)
  const start = inside('substring', from, points.length)
  if (start > end) throw new Error('substring() is out of range')
  return points.slice(start, end)
}

function split(text: string, by: string, most: number): readonly string[] {
  if (most === 0) return []
  const parts = by === '' ? [...text] : text.split(by)
  if (most < 0 || parts.length <= most) return parts
  return [...parts.slice(0, most - 1), parts.slice(most - 1).join(by)]
}

function join(list: readonly unknown[], by: string): string {
  let length = 0
  for (const each of list) {
    if (typeof each !== 'string') throw new Error('join() takes a list of strings')
    length += each.length + by.length
  }
  if (length > longestText) throw new Error('join() makes too long a text')
  spend(length * 4)
  return list.join(by)
}

function replace(text: string, from: string, to: string, most: number): string {
  const parts = from === '' ? ['', ...text, ''] : text.split(from)
  const times = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1)
  const length = text.length + times * (to.length - from.length)
  if (length > longestText) throw new Error('replace() makes too long a text')
  spend(length)
  const head = parts.slice(0, times + 1).join(to)
  const rest = parts.slice(times + 1)
  return rest.length === 0 ? head : `${head}${from}${rest.join(from)}`
}

const escapes: { readonly [character: string]: string } = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** The text as a CEL literal. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  return `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (each) => escapes[each] ?? each)}"`
}
