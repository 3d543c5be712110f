import { describe, expect, it } from 'vitest'
import { ByteSource } from './byte-source.ts'
import type { ClientInfo } from './client-info.ts'
import { type Query, readQuery } from './query.ts'
import { queryPacket } from './query-packet.ts'
import type { Setting } from './settings.ts'

const info: ClientInfo = {
  kind: 'none',
  initialUser: '',
  interface: 'none',
  clientName: '',
  quotaKey: '',
  bytes: Buffer.from([0]),
}
const plain: Query = {
  id: 'id',
  info,
  settings: [],
  secret: Buffer.alloc(0),
  stage: 2,
  isCompressed: false,
  text: Buffer.from('select 1'),
  textBytes: 8,
  parameters: [],
}

/** What a server reads in a query with these. */
function read(query: Partial<Query>, revision: number): Query {
  const source = new ByteSource()
  source.push(queryPacket({ ...plain, ...query }, revision, true).subarray(1))
  source.advance()
  const result = readQuery(source, revision).next()
  if (result.done !== true) throw new Error('a query that is not whole')
  expect(source.at).toBe(source.bytes.length)
  return result.value
}

const separator = { name: 'clawpatrol_separates_settings', flags: 0, value: '' }
const setting = (name: string, value = '1', flags = 0): Setting => ({ name, flags, value })

describe('queryPacket()', () => {
  it('says what was read, with its blocks compressed or not', () => {
    expect(read({}, 54469)).toEqual({ ...plain, isCompressed: true })
    expect(queryPacket(plain, 54469, false).length).toBe(queryPacket(plain, 54469, true).length)
    expect(read({ secret: Buffer.alloc(32, 1) }, 54469).secret).toEqual(Buffer.alloc(0))
  })

  it('says the last setting twice, so that a name follows every setting that may be refused', () => {
    const settings = [setting('max_result_rows', '5'), setting('max_threads', '4')]
    expect(read({ settings }, 54469).settings).toEqual([...settings, settings[1]])
    const old = [setting('max_threads', '9223372036854775807'), setting('http_zlib_compression_level', '-3')]
    expect(read({ settings: old }, 54412).settings).toEqual([...old, old[1]])
    expect(read({ settings: [setting('totals_mode', 'auto')] }, 54412).settings).toHaveLength(2)
  })

  it('separates settings where the length of the next name is that of a packet', () => {
    for (const name of ['limit', 'dialect', 'readonly', 'max_ast_depth', 'x', 'log', 'join']) {
      const { settings } = read({ settings: [setting(name), setting(name, '2'), setting('max_result_rows')] }, 54469)
      expect(settings.map((each) => each.name)).toEqual([
        name,
        separator.name,
        name,
        'max_result_rows',
        'max_result_rows',
      ])
      const last = read({ settings: [setting('max_result_rows'), setting(name)] }, 54469).settings
      expect(last).toEqual([setting('max_result_rows'), separator, setting(name), separator])
      for (const [index, each] of last.entries())
        if (each.name !== separator.name) expect(last[index + 1]?.name.length ?? 0).toBeGreaterThan(14)
    }
  })

  it('does not let a server fail between the name and the value of a setting', () => {
    const { settings } = read({ settings: [setting('not_a_setting_of_any', '1', 3)] }, 54469)
    expect(settings.map(({ flags }) => flags)).toEqual([2, 2])
  })

  it('separates parameters that may have the name of a setting', () => {
    const parameters = [setting('x', "'1'", 2), setting('max_threads', "'a\\'b'", 2), setting('Name', "''", 2)]
    expect(read({ parameters }, 54469).parameters).toEqual([...parameters.slice(0, 2), separator, parameters[2]])
    expect(read({ parameters: [] }, 54458).parameters).toEqual([])
  })

  it.each([
    ['names that hide a packet', { settings: [setting('\u0001\0\0\0')] }, 'other than letters and digits'],
    ['values that are no text', { parameters: [setting('x', '1', 2)] }, 'the parameter "x" is not written as a text'],
    ['texts that do not end', { parameters: [setting('x', "'1", 2)] }, 'is not written as a text'],
    ['parameters that servers pass over', { parameters: [setting('x', "'1'", 0)] }, 'is not written as a text'],
  ])('refuses %s', (_, query, words) => {
    expect(() => queryPacket({ ...plain, ...query }, 54469, true)).toThrow(words)
  })
})
