import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBlockSize, skipColumns } from './block.ts'
import { ByteSink } from './byte-sink.ts'
import { ByteSource } from './byte-source.ts'
import { blockStart, int64 } from './decode.fixture.ts'
import { recorded } from './recorded.fixture.ts'

/** Where a block ends, fed in pieces of so many bytes. null: more bytes are needed. */
function endOf(bytes: Buffer, revision: number, step = bytes.length): number | null {
  const source = new ByteSource()
  let passed = 0
  const reading = (function* () {
    const size = yield* readBlockSize(source)
    yield* skipColumns(source, revision, size, () => {})
  })()
  let at = 0
  while (reading.next().done !== true) {
    if (at >= bytes.length) return null
    passed += source.take().length
    source.push(bytes.subarray(at, at + step))
    source.advance()
    at += step
  }
  return passed + source.take().length
}

/** Asserts that a block ends exactly there, whatever follows it, and not before. */
function expectEnd(block: Buffer, revision: number): void {
  const followed = Buffer.concat([block, Buffer.from([1, 0, 0, 255])])
  expect(endOf(followed, revision)).toBe(block.length)
  expect(endOf(followed, revision, 1)).toBe(block.length)
  expect(endOf(block.subarray(0, -1), revision)).toBe(null)
}

/** A type, and bytes of so many values of it. */
interface Sample {
  readonly type: string
  readonly prefix: Buffer
  readonly values: (rows: number) => Buffer
}

const leaves: Sample[] = [
  { type: 'UInt8', prefix: Buffer.alloc(0), values: (rows) => Buffer.alloc(rows, 0xff) },
  { type: 'Decimal(20, 2)', prefix: Buffer.alloc(0), values: (rows) => Buffer.alloc(rows * 16, 0x81) },
  {
    type: 'String',
    prefix: Buffer.alloc(0),
    values: (rows) => {
      const sink = new ByteSink()
      for (let row = 0; row < rows; row += 1) sink.text('s'.repeat((row * 61) % 300))
      return sink.whole()
    },
  },
]

function dictionaryOf({ type, prefix, values }: Sample): Sample {
  return {
    type: `LowCardinality(${type})`,
    prefix: Buffer.concat([int64(1), prefix]),
    values: (rows) =>
      rows === 0
        ? Buffer.alloc(0)
        : Buffer.concat([int64(0x601), int64(3), values(3), int64(rows), Buffer.alloc(rows * 2)]),
  }
}

function arrayOf({ type, prefix, values }: Sample): Sample {
  return {
    type: `Array(${type})`,
    prefix,
    values: (rows) => {
      const ends = Array.from({ length: rows }, (_, row) => Math.floor(((row + 1) * 3) / 2))
      return Buffer.concat([...ends.map(int64), values(ends.at(-1) ?? 0)])
    },
  }
}

function tupleOf(samples: readonly Sample[]): Sample {
  return {
    type: `Tuple(${samples.map(({ type }, index) => (index % 2 === 0 ? type : `n${index} ${type}`)).join(', ')})`,
    prefix: Buffer.concat(samples.map(({ prefix }) => prefix)),
    values: (rows) => Buffer.concat(samples.map(({ values }) => values(rows))),
  }
}

const leaf = fc.constantFrom(...leaves)
const nullable = leaf.map(
  ({ type, prefix, values }): Sample => ({
    type: `Nullable(${type})`,
    prefix,
    values: (rows) => Buffer.concat([Buffer.alloc(rows, 1), values(rows)]),
  }),
)
const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 4 },
    leaf,
    nullable,
    leaf.map(dictionaryOf),
    tie('sample').map(arrayOf),
    fc.array(tie('sample'), { minLength: 1, maxLength: 3 }).map(tupleOf),
  ),
}))

const end62 = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40])
/** A sparse column of 6 numbers, two of which are not 0. */
const sparseNumbers = blockStart(1, 6)
  .text('x')
  .text('UInt64')
  .byte(1)
  .byte(1)
  .varint(1)
  .varint(2)
  .raw(Buffer.from([0x81, ...end62.subarray(1)]))
  .raw(int64(11))
  .raw(int64(12))

describe('skipColumns()', () => {
  it.each(recorded.blocks)('finds where ClickHouse ends a block of $type', ({ type, rows, bytes }) => {
    const raw = Buffer.from(bytes, 'base64')
    expect(raw.subarray(0, 2)).toEqual(Buffer.from([1, rows]))
    expect(raw.includes(type.replace(/ = .*$/, '').split('(', 1)[0] ?? '')).toBe(true)
    expectEnd(Buffer.concat([Buffer.from([0]), raw]), 54412)
  })

  it('finds the end of blocks of any types', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 9 }), (samples, rows) => {
        const sink = blockStart(samples.length, rows)
        for (const { type, prefix, values } of samples) {
          sink.text('x').text(type).byte(0)
          if (rows > 0) sink.raw(prefix).raw(values(rows))
        }
        expectEnd(sink.whole(), 54469)
      }),
      { numRuns: 150 },
    )
  })

  it('finds the end of sparse columns', () => {
    expectEnd(sparseNumbers.whole(), 54469)
    expectEnd(
      blockStart(1, 300)
        .text('x')
        .text('String')
        .byte(1)
        .byte(1)
        .raw(Buffer.from([0xac, 0x82, ...end62.subarray(2)]))
        .whole(),
      54469,
    )
    const tuple = blockStart(1, 2).text('x').text('Tuple(a UInt64, b String)').byte(1).byte(0).byte(1).byte(0)
    tuple.varint(1).raw(end62).raw(int64(7)).text('one').text('two')
    expectEnd(tuple.whole(), 54469)
  })

  it.each([
    ['more rows than there are', Buffer.from([7]), 'not of the rows'],
    ['fewer rows than there are', Buffer.from([1, ...end62]), 'not of the rows'],
    ['no end', Buffer.from([...Array(8).fill(0x80), 0x41]), 'does not end'],
    ['a number without end', Buffer.alloc(12, 0xff), 'does not end'],
  ])('refuses a sparse column with %s', (_, list, words) => {
    const block = blockStart(1, 6).text('x').text('UInt64').byte(1).byte(1).raw(list).whole()
    expect(() => endOf(Buffer.concat([block, Buffer.alloc(64)]), 54469)).toThrow(words)
  })

  it.each([
    ['a column written in an unknown way', [2], 'neither as usual nor not'],
    ['an unknown kind', [1, 2], 'is not known'],
  ])('refuses %s', (_, bytes, words) => {
    const block = blockStart(1, 1).text('x').text('UInt64').raw(Buffer.from(bytes)).whole()
    expect(() => endOf(Buffer.concat([block, Buffer.alloc(64)]), 54469)).toThrow(words)
  })

  it('refuses sparse columns of types that have none', () => {
    for (const type of ['Nullable(UInt8)', 'Array(UInt8)', 'LowCardinality(String)', 'Tuple(UInt8)']) {
      const block = blockStart(1, 1).text('x').text(type).byte(1).byte(1).raw(Buffer.alloc(64)).whole()
      expect(() => endOf(block, 54469)).toThrow('is not known')
    }
  })

  it.each([
    ['of an unknown version', [int64(2)], 'unknown version'],
    ['that is shared between blocks', [int64(1), int64(0x300)], 'unknown kind'],
    ['without keys of its own', [int64(1), int64(0x400)], 'unknown kind'],
    ['with an unknown width', [int64(1), int64(0x604)], 'unknown kind'],
    ['with an unknown flag', [int64(1), int64(0x1_0000_0600n)], 'unknown kind'],
    ['of other rows', [int64(1), int64(0x600), int64(1), Buffer.from([0]), int64(2)], 'not for the rows'],
    ['of too many keys', [int64(1), int64(0x600), int64(2n ** 41n)], 'more values than any server'],
  ])('refuses a dictionary %s', (_, parts, words) => {
    const block = blockStart(1, 1).text('x').text('LowCardinality(String)').byte(0)
    for (const part of parts) block.raw(part)
    expect(() => endOf(block.raw(Buffer.alloc(16)).whole(), 54469)).toThrow(words)
  })

  it('refuses more columns, rows and values than a server has', () => {
    expect(() => endOf(blockStart(65_537, 0).whole(), 54469)).toThrow('the number of columns is over 65536')
    expect(() => endOf(blockStart(1, 2 ** 41).whole(), 54469)).toThrow('the number of rows is over')
    const arrays = blockStart(1, 1)
      .text('x')
      .text('Array(UInt8)')
      .byte(0)
      .raw(int64(2n ** 63n))
      .whole()
    expect(() => endOf(arrays, 54469)).toThrow('more values than any server')
    const name = blockStart(1, 1).varint(65_537).whole()
    expect(() => endOf(name, 54469)).toThrow('the name of a column is over 65536')
  })

  it('tells each column before its values, and stops when that is refused', () => {
    const block = blockStart(2, 1).text('a').text('UInt8').byte(0).byte(1).text('b').text('String').byte(0).text('x')
    const source = new ByteSource()
    source.push(block.whole())
    source.advance()
    const told: string[] = []
    const size = readBlockSize(source).next().value
    if (size === 'more' || size === undefined) throw new Error('no size')
    const reading = skipColumns(source, 54469, size, ({ name }) => {
      told.push(name)
      if (name === 'b') throw new Error('not this one')
    })
    expect(() => reading.next()).toThrow('not this one')
    expect(told).toEqual(['a', 'b'])
  })
})
