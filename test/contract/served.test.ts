import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { approvers } from '../../gateway/approvals/index.ts'
import { tunnels } from '../../gateway/tunnels/index.ts'
import { fields } from '../../workers/contract/fields.ts'
import { credentials } from '../../workers/credentials/index.ts'
import { credentialRuntime } from '../../workers/credentials/runtimes.ts'
import { protocols } from '../../workers/protocols/index.ts'
import { runtimeOf } from '../../workers/protocols/runtimes.ts'

const definitions = [...protocols, ...credentials, ...approvers, ...tunnels]

/** Every attribute of a schema, those of its blocks included, as `block.name`. */
function attributes(schema: z.ZodType, under = ''): [name: string, schema: z.ZodType][] {
  const object = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema
  if (!(object instanceof z.ZodObject)) return []
  return Object.entries(object.shape as { [name: string]: z.ZodType }).flatMap(([name, own]) => {
    const inner = fields.get(own)?.block === true ? attributes(own, `${under}${name}.`) : []
    return [[`${under}${name}`, own], ...inner]
  })
}

describe('what is said to be served', () => {
  it.each(protocols.map((protocol) => [protocol.type, protocol]))('%s endpoints', async (type, { isServed }) => {
    const hasRuntime = await runtimeOf(type).then(
      () => true,
      () => false,
    )
    expect(isServed).toBe(hasRuntime)
  })

  it.each(credentials.map((credential) => [credential.type, credential]))('%s credentials', (type, definition) => {
    const runtime = () => credentialRuntime(type)
    if (!definition.isServed) {
      expect(runtime).toThrow(`cannot use credential type "${type}": it has no runtime`)
      return
    }
    expect(Object.keys(runtime()).sort()).toEqual([...definition.fills].sort())
  })

  it('is nothing that has no code at all', () => {
    expect([...approvers, ...tunnels].filter(({ isServed }) => isServed)).toEqual([])
  })
})

describe('the types of the language', () => {
  it('are unique over all kinds', () => {
    const types = definitions.map(({ type }) => type)
    expect(new Set(types).size).toBe(types.length)
    expect(types).toHaveLength(7 + 22 + 2 + 4)
    expect(types.filter((type) => !/^[a-z][a-z0-9_]*$/.test(type))).toEqual([])
  })

  it.each(
    definitions.map((definition) => [`${definition.kind} ${definition.type}`, definition]),
  )('%s documents itself and every attribute', (_, { summary, settings }) => {
    expect(summary).toMatch(/^\S.*[^.]$/s)
    for (const [name, schema] of attributes(settings)) {
      const facts = fields.get(schema)
      expect(facts?.doc, name).toMatch(/^\S.*\.$/s)
      expect(facts?.doc.length, name).toBeLessThan(140)
      if (schema.safeParse(undefined).success === false) expect(facts?.example, `example of ${name}`).toBeDefined()
    }
  })

  it('can all be described to an editor', () => {
    for (const { type, settings } of definitions) {
      const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' })
      expect(schema.type, type).toBe('object')
      expect(schema.additionalProperties, type).toBe(false)
    }
  })

  it('never throw over what is written, and their checks point at attributes', () => {
    for (const definition of definitions) {
      const names = Object.keys('shape' in definition.settings ? (definition.settings.shape as object) : {})
      const value = fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.array(fc.string()),
        fc.dictionary(fc.string(), fc.string()),
      )
      const block = fc.dictionary(names.length === 0 ? fc.string() : fc.constantFrom(...names), value)
      fc.assert(
        fc.property(fc.oneof(block, fc.anything()), (written) => {
          const parsed = definition.settings.safeParse(written)
          if (!parsed.success) return
          const problems = definition.check?.(parsed.data) ?? []
          expect(problems.filter(({ path }) => !names.includes(String(path[0])))).toEqual([])
          if (definition.kind === 'protocol') expect(Array.isArray(definition.hosts(parsed.data))).toBe(true)
        }),
        { numRuns: 60 },
      )
    }
  })

  it('push variables whose names are unique', () => {
    const names = credentials.flatMap(({ variables = [] }) => variables.map(({ name }) => name))
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name))).toEqual([])
  })

  it('describe what they push and keep', () => {
    for (const { type, variables = [], slots } of credentials) {
      expect(
        variables.every(({ value, description }) => value !== '' && description !== ''),
        type,
      ).toBe(true)
      expect(new Set(slots.map(({ name }) => name)).size, type).toBe(slots.length)
      expect(
        slots.every(({ label }) => label !== ''),
        type,
      ).toBe(true)
    }
  })
})
