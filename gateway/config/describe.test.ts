import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { field, flag, text, texts, whole } from '../../workers/contract/fields.ts'
import { credentials } from '../../workers/credentials/index.ts'
import { protocols } from '../../workers/protocols/index.ts'
import { describeLanguage } from './describe.ts'
import { describeFields, type FieldModel } from './describe-fields.ts'
import { positiveDuration, size } from './scalars.ts'

describe('describeFields()', () => {
  it('tells the type of every kind of attribute in words', () => {
    const found = describeFields(
      z.strictObject({
        name: field(text(), { doc: 'A name.', example: '"a"' }),
        port: field(
          whole()
            .refine((value) => value > 0)
            .optional(),
          { doc: 'A port.', fallback: '1' },
        ),
        on: flag().optional(),
        life: field(positiveDuration().optional(), { doc: 'How long.', unit: 'duration' }),
        room: field(size(), { doc: 'How much.', unit: 'size' }),
        mode: z.enum(['a', 'b']),
        hosts: texts(),
        to: field(z.unknown().optional(), { doc: 'Where to.', ref: 'endpoint' }),
        all: field(z.array(z.unknown()), { doc: 'Where to.', ref: 'tunnel' }),
        variables: z.record(z.string(), text()).optional(),
        inner: field(z.strictObject({ ca: field(text(), { doc: 'PEM.', files: true }) }).optional(), {
          doc: 'A block.',
          block: true,
        }),
      }),
    )
    expect(found.map(({ name, words, isRequired }) => [name, words, isRequired])).toEqual([
      ['name', 'text', true],
      ['port', 'whole number', false],
      ['on', 'true or false', false],
      ['life', 'duration', false],
      ['room', 'size', true],
      ['mode', '"a" or "b"', true],
      ['hosts', 'list of text', true],
      ['to', 'reference to an endpoint', false],
      ['all', 'list of references to tunnels', true],
      ['variables', 'map to text', false],
      ['inner', 'block', false],
    ])
    expect(found[1]).toMatchObject({ doc: 'A port.', fallback: '1', example: null, unit: null })
    expect(found[10]?.type).toMatchObject({ kind: 'block', fields: [{ name: 'ca', takesFiles: true }] })
  })
})

describe('describeLanguage()', () => {
  const { kinds } = describeLanguage()

  it('has every type of endpoint and credential there is', () => {
    const typesOf = (kind: string) => kinds.find((each) => each.kind === kind)?.types.map(({ type }) => type)
    expect(typesOf('endpoint')).toEqual(protocols.map(({ type }) => type))
    expect(typesOf('credential')).toEqual(credentials.map(({ type }) => type))
  })

  it('says something of every attribute and type, and knows the type of each', () => {
    const all = kinds.flatMap(({ kind, fields, types }) => [
      ...flat(kind, fields),
      ...types.flatMap(({ type, fields: own }) => flat(`${kind} ${type}`, own)),
    ])
    expect(all.filter(({ field: { doc } }) => !/\S \S.*\.$/s.test(doc)).map(({ path }) => path)).toEqual([])
    expect(all.filter(({ field: { words } }) => words === 'any').map(({ path }) => path)).toEqual([])
    expect(kinds.flatMap(({ types }) => types).filter(({ summary }) => summary === '')).toEqual([])
  })
})

function flat(of: string, fields: readonly FieldModel[]): { readonly path: string; readonly field: FieldModel }[] {
  return fields.flatMap((each) => {
    const path = `${of} ${each.name}`
    const inner = each.type.kind === 'block' || each.type.kind === 'object' ? flat(path, each.type.fields) : []
    return [{ path, field: each }, ...inner]
  })
}
