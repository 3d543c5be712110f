import { z } from 'zod'

/** What people and tools want to know of one configuration attribute besides its type. */
export interface FieldFacts {
  /** One sentence for the reference and for forms. */
  readonly doc: string
  readonly example?: string
  /** Text in a unit of its own: `1h30m`, `256KiB`. */
  readonly unit?: 'duration' | 'size'
  /** Names a declared block of this kind. */
  readonly ref?: 'endpoint' | 'credential' | 'approver' | 'tunnel'
  /** Types the block it names may be of; all when not set. */
  readonly refTypes?: readonly string[]
  /** `<<file:NAME>>` in it is replaced by the bytes of the file. */
  readonly files?: true
  /** `{{secret:NAME}}` in it stands for the secret of that name; expanded where it is used, never in the policy. */
  readonly secrets?: true
  /** Written as a nested block, `limits { … }`, not as an attribute. */
  readonly block?: true
  /** Shown when it is not set. */
  readonly fallback?: string
}

/** Facts of every attribute schema, by identity. */
export const fields = z.registry<FieldFacts>()

/** Notes the facts of an attribute; call it last, on the schema that ends up in the object. */
export function field<S extends z.ZodType>(schema: S, facts: FieldFacts): S {
  fields.add(schema, facts)
  return schema
}

/** A string attribute; numbers and booleans become text, as HCL converts them. */
export function text(): z.ZodType<string> {
  return z.preprocess(
    (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
    z.string(),
  )
}

/** A boolean attribute; `"true"` and `"false"` count, as HCL converts them. */
export function flag(): z.ZodType<boolean> {
  return z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
}

/** A whole number within ±2^53; decimal text counts, as HCL converts it. */
export function whole(): z.ZodType<number> {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    z.int(),
  )
}

/** A list of strings. */
export function texts(): z.ZodType<string[]> {
  return z.array(text())
}

/** A reference to another block that must be there; what it names is checked where references are resolved. */
export function reference(): z.ZodType<unknown> {
  return z.unknown().refine((value) => value !== undefined, { error: 'is required' })
}
