import { z } from 'zod'
import { type FieldFacts, fields as registry } from '../../workers/contract/fields.ts'
import { shapeOf } from './decode.ts'

/** What an attribute may be set to. */
export type FieldType =
  | { readonly kind: 'text' | 'flag' | 'whole' | 'number' | 'any' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'reference'; readonly to: NonNullable<FieldFacts['ref']> }
  | { readonly kind: 'list' | 'map'; readonly of: FieldType }
  | { readonly kind: 'either'; readonly of: readonly FieldType[] }
  | { readonly kind: 'object' | 'block'; readonly fields: readonly FieldModel[] }

/** One attribute, or nested block, as references, schemas and forms show it. */
export interface FieldModel {
  readonly name: string
  readonly type: FieldType
  /** `list of text`, `duration`. */
  readonly words: string
  readonly isRequired: boolean
  readonly doc: string
  /** What holds when it is not set, in words or as written; null: nothing does. */
  readonly fallback: string | null
  /** As written after the equals sign. */
  readonly example: string | null
  readonly unit: NonNullable<FieldFacts['unit']> | null
  /** `<<file:NAME>>` in it is replaced by the bytes of the file. */
  readonly takesFiles: boolean
}

/** The attributes of an object schema, in the order they are declared. */
export function describeFields(schema: z.ZodType): readonly FieldModel[] {
  return Object.entries(shapeOf(schema)).map(([name, each]) => describeField(name, each))
}

function describeField(name: string, schema: z.ZodType): FieldModel {
  const facts = registry.get(schema)
  const { inner, isOptional } = peel(schema)
  const type = typeOf(inner, facts)
  return {
    name,
    type,
    words: wordsOf(type, facts?.unit),
    isRequired: !isOptional,
    doc: facts?.doc ?? '',
    fallback: facts?.fallback ?? null,
    example: facts?.example ?? null,
    unit: facts?.unit ?? null,
    takesFiles: facts?.files === true,
  }
}

/** The same fields, where the schema takes anything and a later check wants something of another type. */
export function withTypes(
  fields: readonly FieldModel[],
  types: { readonly [name: string]: FieldType },
): readonly FieldModel[] {
  return fields.map((field) => {
    const type = types[field.name]
    return type === undefined ? field : { ...field, type, words: wordsOf(type, undefined) }
  })
}

/** What is left of a schema without what only says how it is set or changed. */
function peel(schema: z.ZodType): { readonly inner: z.ZodType; readonly isOptional: boolean } {
  let inner = schema
  let isOptional = false
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      isOptional = true
      inner = inner.unwrap() as z.ZodType
    } else if (inner instanceof z.ZodNullable || inner instanceof z.ZodReadonly) {
      inner = inner.unwrap() as z.ZodType
    } else if (inner instanceof z.ZodPipe) {
      // preprocess is a transform before, a reader is one after: what is written is the other side
      inner = (inner.in instanceof z.ZodTransform ? inner.out : inner.in) as z.ZodType
    } else return { inner, isOptional }
  }
}

function typeOf(schema: z.ZodType, facts: FieldFacts | undefined): FieldType {
  const { inner } = peel(schema)
  if (inner instanceof z.ZodArray) return { kind: 'list', of: typeOf(inner.element as z.ZodType, facts) }
  if (facts?.ref !== undefined) return { kind: 'reference', to: facts.ref }
  if (inner instanceof z.ZodEnum) return { kind: 'choice', values: inner.options.map(String) }
  if (inner instanceof z.ZodLiteral) return { kind: 'choice', values: [...inner.values].map(String) }
  if (inner instanceof z.ZodString) return { kind: 'text' }
  if (inner instanceof z.ZodBoolean) return { kind: 'flag' }
  if (inner instanceof z.ZodNumber) return { kind: inner.isInt ? 'whole' : 'number' }
  if (inner instanceof z.ZodRecord) return { kind: 'map', of: typeOf(inner.valueType as z.ZodType, undefined) }
  if (inner instanceof z.ZodObject)
    return { kind: facts?.block === true ? 'block' : 'object', fields: describeFields(inner) }
  return { kind: 'any' }
}

function wordsOf(type: FieldType, unit: FieldFacts['unit']): string {
  switch (type.kind) {
    case 'text':
      return unit ?? 'text'
    case 'flag':
      return 'true or false'
    case 'whole':
      return 'whole number'
    case 'choice':
      return type.values.map((value) => `"${value}"`).join(' or ')
    case 'reference':
      return `reference to ${article(type.to)}`
    case 'list':
      return type.of.kind === 'any' ? 'list' : `list of ${plural(type.of, unit)}`
    case 'map':
      return type.of.kind === 'any' ? 'map' : `map to ${wordsOf(type.of, unit)}`
    case 'either':
      return type.of.map((each) => wordsOf(each, unit)).join(' or ')
    case 'number':
    case 'object':
    case 'block':
    case 'any':
      return type.kind
    default:
      return type satisfies never
  }
}

function plural(type: FieldType, unit: FieldFacts['unit']): string {
  if (type.kind === 'reference') return `references to ${type.to}s`
  if (type.kind === 'whole') return 'whole numbers'
  if (type.kind === 'either') return type.of.map((each) => plural(each, unit)).join(' or ')
  if (type.kind === 'map') return 'maps'
  return wordsOf(type, unit)
}

function article(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`
}
