import { describe, expect, it } from 'vitest'
import { ByteSink } from './byte-sink.ts'
import { blockStart, decodeClient, inShort } from './decode.fixture.ts'
import { clientHello } from './hello.ts'

const separating = 'clawpatrol_separates_tables'

/** What is made of these packets of a client. */
function decode(revision: number, ...packets: readonly Buffer[]) {
  const [user, password] = [Buffer.from('ann'), Buffer.from('')]
  const hello = clientHello({ name: 'test', major: 1, minor: 2, revision, database: '', user, password })
  return decodeClient([Buffer.concat([hello, ...packets])], revision)
}

const query = new ByteSink().varint(1).text('id').byte(0).text('').varint(2).varint(0).text('select 1').whole()
const noMore = Buffer.from([2, 0, 0, 0, 0])
const named = (name: string) => {
  const block = new ByteSink().varint(2).text(name).raw(blockStart(1, 0).whole())
  return block.text('x').text('String').whole()
}

describe('the separator of tables', () => {
  it.each([
    ['a name of one byte', named('e'), true],
    ['a name of 15 bytes', named('e'.repeat(15)), true],
    ['a name of 16 bytes, no code of a packet', named('e'.repeat(16)), false],
    ['a name of 129 bytes, whose length has two', named('e'.repeat(129)), false],
    ['no name', named(''), false],
    ['codes and lengths of more bytes than they need', Buffer.from([0x82, 0, ...named('e').subarray(1)]), true],
    ['a length of two bytes for one', Buffer.from([2, 0x81, 0, ...named('e').subarray(2)]), true],
  ])('goes before a table that an old server may take for a packet: %s', (_what, block, isThere) => {
    const { packets, passed, parts } = decode(54412, query, block, noMore)
    expect(inShort(packets)).toEqual(['hello', 'query', 'data 1x0', 'data 0x0'])
    expect(passed.includes(separating)).toBe(isThere)
    expect(parts[2]?.indexOf(separating)).toBe(isThere ? 2 : -1)
  })

  it('is left out where servers pass over a block that they do not expect', () => {
    const later = new ByteSink().varint(1).text('id').byte(0).text('').text('').varint(2).varint(0).text('select 1')
    expect(decode(54453, later.whole(), named('e')).passed.includes(separating)).toBe(true)
    const block = Buffer.concat([named('e'), Buffer.from([0])])
    expect(decode(54454, later.whole(), block).passed.includes(separating)).toBe(false)
  })
})

describe('what an old server would take for packets', () => {
  it('is refused: names of tables, at a revision at which they are not read', () => {
    expect(() => decode(54225, Buffer.from([5, 0]))).toThrow(/revision 54225 has not/)
    expect(inShort(decode(54226, Buffer.from([5, 0])).packets)).toEqual(['hello', 'tablesStatus'])
  })

  it('is refused: a second block that ends a series, or a late one, where blocks are left as they are', () => {
    expect(() => decode(54412, query, noMore, noMore)).toThrow(/data comes where none/)
    expect(() => decode(54412, query, Buffer.from([3]), noMore)).toThrow(/data comes where none/)
  })
})
