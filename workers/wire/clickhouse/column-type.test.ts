import { describe, expect, it } from 'vitest'
import { readColumnType } from './column-type.ts'
import { fixed, type Layout } from './layout.ts'

const text: Layout = { kind: 'string' }
const entries = (...of: Layout[]): Layout => ({ kind: 'array', of: { kind: 'tuple', of } })

describe('readColumnType()', () => {
  it.each<[string, Layout]>([
    ['UInt8', fixed(1)],
    ['Int256', fixed(32)],
    ['BFloat16', fixed(2)],
    ['Time64(9)', fixed(8)],
    ['IntervalNanosecond', fixed(8)],
    ['IntervalQuarter', fixed(8)],
    ['Nothing', fixed(1)],
    ['FixedString(16777215)', fixed(16_777_215)],
    ["DateTime('Etc/GMT+3')", fixed(4)],
    ["DateTime64(3, 'UTC')", fixed(8)],
    ['Decimal(9, 9)', fixed(4)],
    ['Decimal(10, 0)', fixed(8)],
    ['Decimal(19, 2)', fixed(16)],
    ['Decimal(76, 3)', fixed(32)],
    ["Enum8('a, (b' = -128, 'it\\'s' = 127)", fixed(1)],
    ["Enum16('' = 32767)", fixed(2)],
    ['Nullable(String)', { kind: 'nullable', of: text }],
    ['LowCardinality(Nullable(UUID))', { kind: 'dictionary', of: fixed(16) }],
    ['Map(String, Array(UInt8))', entries(text, { kind: 'array', of: fixed(1) })],
    ['Tuple(UInt8, String)', { kind: 'tuple', of: [fixed(1), text] }],
    ['Tuple(a UInt8, `b, (c` String)', { kind: 'tuple', of: [fixed(1), text] }],
    ['Nested(a UInt8, b Nested(c String))', entries(fixed(1), entries(text))],
    ['Point', { kind: 'tuple', of: [fixed(8), fixed(8)] }],
    ['SimpleAggregateFunction(anyLast, Nullable(Date))', { kind: 'nullable', of: fixed(2) }],
  ])('reads %s', (type, layout) => {
    expect(readColumnType(type)).toEqual(layout)
  })

  it.each([
    '',
    'uint8',
    ' UInt8',
    'UInt8 ',
    'UInt8()',
    'Tuple()',
    'Array()',
    'Array(UInt8, UInt8)',
    'Array(UInt8',
    'Array(UInt8))',
    'Array(UInt8)(UInt8)',
    'Array(UInt8/* x */)',
    'Nullable(Array(UInt8))',
    'Nullable(Nullable(UInt8))',
    'Nullable(LowCardinality(String))',
    'LowCardinality(Array(String))',
    'LowCardinality(LowCardinality(String))',
    'FixedString(0)',
    'FixedString(16777216)',
    'FixedString(1e3)',
    'Decimal(77, 1)',
    'Decimal(9, 10)',
    'Decimal(9)',
    'DateTime64(10)',
    'DateTime64(3, UTC)',
    "DateTime('a' 'b')",
    "Enum8('a' = 128)",
    "Enum8('a' = 1, 'a' = 2)",
    "Enum8('a' = 1, 'b' = 1)",
    "Enum8('a')",
    "Enum8('a = 1)",
    'Map(String)',
    'Tuple(UInt8,String)',
    'Tuple(a-b UInt8)',
    'AggregateFunction(sum, UInt8)',
    'SimpleAggregateFunction(sum)',
    'Variant(String, UInt8)',
    'Dynamic',
    'JSON',
    "Object('json')",
    'QBit(Float32, 8)',
    `${'Array('.repeat(40)}UInt8${')'.repeat(40)}`,
  ])('refuses %s', (type) => {
    expect(() => readColumnType(type)).toThrow('end is not known')
  })
})
