import { spend } from './budget.ts'

/** Longest text `format` may make, characters. */
const longest = 65_536
const mostDigits = 100

/**
 * `'%s is %d'.format([a, b])` with the verbs of cel-go: %s %d %f %x %X %e %b %o and %%; `%.3f` sets the digits.
 * @throws Error when a value does not fit its verb, there are too few values, or the text becomes too long
 */
export function formatText(pattern: string, values: readonly unknown[]): string {
  let next = 0
  let length = 0
  const add = (text: string) => {
    length += text.length
    spend(text.length * 10)
    if (length > longest) throw new Error('format() makes too long a text')
    return text
  }
  const parts = pattern.split(/(%(?:\.\d+)?.?)/s)
  return parts
    .map((part) => {
      if (!part.startsWith('%')) return add(part)
      if (part === '%%') return add('%')
      const [, digits, verb = ''] = /^%(?:\.(\d+))?(.?)$/s.exec(part) ?? []
      if (digits !== undefined && Number(digits) > mostDigits)
        throw new Error(`format() gives ${mostDigits} digits at most`)
      if (next >= values.length) throw new Error('format() has too few values')
      return add(shown(verb, values[next++], digits === undefined ? 6 : Number(digits)))
    })
    .join('')
}

function shown(verb: string, value: unknown, digits: number): string {
  switch (verb) {
    case 's':
      return inWords(value, 0)
    case 'd':
      return isNumber(value) ? numberWords(value) : String(whole(value, verb))
    case 'f':
      return fraction(value, verb, (number) => number.toFixed(digits))
    case 'e':
      return fraction(value, verb, (number) => number.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2'))
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : whole(value, verb).toString(2)
    case 'o':
      return whole(value, verb).toString(8)
    case 'x':
      return hex(value)
    case 'X':
      return hex(value).toUpperCase()
    default:
      throw new Error(`format() has no verb %${verb}`)
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

/** An int or uint. */
function whole(value: unknown, verb: string): bigint {
  const plain = typeof value === 'object' && value !== null && !Array.isArray(value) ? value.valueOf() : value
  if (typeof plain !== 'bigint') throw new Error(`format() has no number for %${verb}`)
  return plain
}

function fraction(value: unknown, verb: string, show: (number: number) => string): string {
  const number = isNumber(value) ? value : Number(whole(value, verb))
  return Number.isFinite(number) ? show(number) : numberWords(number)
}

function hex(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(bounded(value)).toString('hex')
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, longest + 1)).toString('hex')
  return whole(value, 'x').toString(16)
}

function bounded(text: string): string {
  if (text.length > longest) throw new Error('format() makes too long a text')
  return text
}

function numberWords(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return String(value)
}

/** A value as `%s` shows it: lists and maps with what is in them. */
function inWords(value: unknown, depth: number): string {
  spend(100)
  if (depth > 16) throw new Error('format() shows no value that is nested so deeply')
  if (typeof value === 'string') return bounded(value)
  if (isNumber(value)) return numberWords(value)
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return bounded(Buffer.from(value.subarray(0, longest + 1)).toString())
  if (value instanceof Date) return value.toISOString().replace(/\.?0+Z$/, 'Z')
  if (Array.isArray(value)) return joined(value, (each) => inWords(each, depth + 1), '[]')
  return object(value as object, depth)
}

function object(value: object, depth: number): string {
  const isPlain = value instanceof Map || [Object.prototype, null].includes(Object.getPrototypeOf(value))
  if (!isPlain) return String(value)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const show = ([key, item]: readonly [unknown, unknown]) => `${inWords(key, depth + 1)}: ${inWords(item, depth + 1)}`
  return joined(
    [...entries].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    show,
    '{}',
  )
}

function joined<T>(items: readonly T[], show: (item: T) => string, [open, close]: string): string {
  let text = ''
  for (const item of items) text = bounded(`${text}${text === '' ? '' : ', '}${show(item)}`)
  return `${open}${text}${close}`
}
