import { malformed } from './byte-source.ts'
import { fixed, type Layout } from './layout.ts'
import { splitArguments } from './type-arguments.ts'

/** Deepest nesting that is read. */
const deepest = 32

/**
 * Reads a column's type, as ClickHouse itself writes its name.
 * A type that a server may read in another way, or not at all, is refused: it would go on elsewhere in the bytes.
 * @throws ClawError CP_PROTOCOL naming a type whose values cannot be told from what follows them
 */
export function readColumnType(type: string): Layout {
  return read(type, 0)
}

function read(type: string, depth: number): Layout {
  const simple = fixedWidths.get(type)
  if (simple !== undefined) return fixed(simple)
  const alias = aliases.get(type)
  if (alias !== undefined) return read(alias, depth)
  if (type === 'String') return { kind: 'string' }
  if (depth === deepest) throw unknown(type)
  const open = type.indexOf('(')
  if (open === -1 || !type.endsWith(')')) throw unknown(type)
  const list = splitArguments(type.slice(open + 1, -1))
  if (list === null) throw unknown(type)
  const layout = combined(type.slice(0, open), list, depth + 1)
  if (layout === null) throw unknown(type)
  return layout
}

/** A type with arguments; null: not one that is read, or not with these. */
function combined(name: string, list: readonly string[], depth: number): Layout | null {
  const [first = '', second = ''] = list
  switch (name) {
    case 'Nullable': {
      const of = list.length === 1 ? read(first, depth) : null
      return of?.kind === 'fixed' || of?.kind === 'string' ? { kind: 'nullable', of } : null
    }
    case 'LowCardinality': {
      const of = list.length === 1 ? read(first, depth) : null
      const value = of?.kind === 'nullable' ? of.of : of
      return value?.kind === 'fixed' || value?.kind === 'string' ? { kind: 'dictionary', of: value } : null
    }
    case 'Array':
      return list.length === 1 ? { kind: 'array', of: read(first, depth) } : null
    case 'Map':
      return list.length === 2 ? entries(list.map((each) => read(each, depth))) : null
    case 'Tuple':
      return { kind: 'tuple', of: list.map((each) => read(withoutName(each), depth)) }
    case 'Nested':
      return entries(list.map((each) => read(withoutName(each), depth)))
    case 'SimpleAggregateFunction':
      return list.length === 2 && /^\w+$/.test(first) ? read(second, depth) : null
    default: {
      const width = widthOf(name, list)
      return width === null ? null : fixed(width)
    }
  }
}

function entries(of: readonly Layout[]): Layout {
  return { kind: 'array', of: { kind: 'tuple', of } }
}

function widthOf(name: string, list: readonly string[]): number | null {
  const [first = '', second = ''] = list
  const count = list.length
  switch (name) {
    case 'FixedString':
      return count === 1 ? numberIn(first, 1, 0xffffff) : null
    case 'DateTime':
      return count === 1 && isZone(first) ? 4 : null
    case 'DateTime64':
      return numberIn(first, 0, 9) !== null && (count === 1 || (count === 2 && isZone(second))) ? 8 : null
    case 'Time64':
      return count === 1 && numberIn(first, 0, 9) !== null ? 8 : null
    case 'Decimal': {
      const precision = count === 2 ? numberIn(first, 1, 76) : null
      return precision === null || numberIn(second, 0, precision) === null ? null : decimalWidth(precision)
    }
    case 'Enum8':
      return areEnumValues(list, -128, 127) ? 1 : null
    case 'Enum16':
      return areEnumValues(list, -32768, 32767) ? 2 : null
    default:
      return null
  }
}

function decimalWidth(precision: number): number {
  return precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32
}

function numberIn(text: string, least: number, most: number): number | null {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : -1
  return value >= least && value <= most ? value : null
}

function isZone(text: string): boolean {
  return /^'[A-Za-z0-9_+\-/]{1,64}'$/.test(text)
}

function areEnumValues(list: readonly string[], least: number, most: number): boolean {
  const names = new Set<string>()
  const values = new Set<number>()
  for (const each of list) {
    const [, name, value] = /^('(?:[^'\\]|\\.)*') = (-?\d{1,5})$/s.exec(each) ?? []
    if (name === undefined || Number(value) < least || Number(value) > most) return false
    names.add(name)
    values.add(Number(value))
  }
  return names.size === list.length && values.size === list.length
}

/** An element's type without its name. */
function withoutName(element: string): string {
  return /^(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)+`) (.+)$/s.exec(element)?.[1] ?? element
}

function unknown(type: string) {
  return malformed(`where values of the type "${type.slice(0, 128)}" end is not known`)
}

const fixedWidths: ReadonlyMap<string, number> = new Map([
  ...['UInt8', 'Int8', 'Bool', 'Nothing'].map((name) => [name, 1] as const),
  ...['UInt16', 'Int16', 'Date', 'BFloat16'].map((name) => [name, 2] as const),
  ...['UInt32', 'Int32', 'Float32', 'Date32', 'DateTime', 'Time', 'IPv4'].map((name) => [name, 4] as const),
  ...['UInt64', 'Int64', 'Float64'].map((name) => [name, 8] as const),
  ...['UInt128', 'Int128', 'UUID', 'IPv6'].map((name) => [name, 16] as const),
  ...['UInt256', 'Int256'].map((name) => [name, 32] as const),
  ...['Nano', 'Micro', 'Milli', ''].map((part) => [`Interval${part}${part === '' ? 'S' : 's'}econd`, 8] as const),
  ...['Minute', 'Hour', 'Day', 'Week', 'Month', 'Quarter', 'Year'].map((unit) => [`Interval${unit}`, 8] as const),
])

const aliases: ReadonlyMap<string, string> = new Map([
  ['Point', 'Tuple(Float64, Float64)'],
  ['Ring', 'Array(Point)'],
  ['LineString', 'Array(Point)'],
  ['MultiLineString', 'Array(LineString)'],
  ['Polygon', 'Array(Ring)'],
  ['MultiPolygon', 'Array(Polygon)'],
])
