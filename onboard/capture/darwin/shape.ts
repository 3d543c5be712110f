/** Whether a value that came over a wire is a V. */
export type Check<V> = (value: unknown) => value is V

/** A check for every field of a message. */
export type Fields<M> = { readonly [F in keyof M]-?: Check<M[F]> }

// by hand and not by zod: loading it would be a third of what `run` takes

/** A string that fits. */
export function text(fits: RegExp | ((value: string) => boolean)): Check<string> {
  const isFit = fits instanceof RegExp ? (value: string) => fits.test(value) : fits
  return (value): value is string => typeof value === 'string' && isFit(value)
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): Check<number> {
  return (value): value is number => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
}

/** true or false. */
export const truth: Check<boolean> = (value) => typeof value === 'boolean'

/** One of these words. */
export function oneOf<const W extends string>(words: readonly W[]): Check<W> {
  return (value): value is W => (words as readonly unknown[]).includes(value)
}

/** What passes the check, or null. */
export function orNull<V>(check: Check<V>): Check<V | null> {
  return (value): value is V | null => value === null || check(value)
}

/** At most `most` of what passes the check. */
export function listOf<V>(check: Check<V>, most: number): Check<readonly V[]> {
  return (value): value is readonly V[] => Array.isArray(value) && value.length <= most && value.every(check)
}

/** An object with exactly these fields. */
export function fields<M extends object>(shape: Fields<M>): Check<M> {
  const names = Object.keys(shape) as (keyof M & string)[]
  return (value): value is M => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    if (Object.keys(value).length !== names.length) return false
    return names.every((name) => Object.hasOwn(value, name) && shape[name]((value as M)[name]))
  }
}

/** An object whose `kind` names its other fields. */
export function variant<M extends { readonly kind: string }>(
  shapes: {
    readonly [K in M['kind']]: Fields<Omit<Extract<M, { readonly kind: K }>, 'kind'>>
  },
): Check<M> {
  const checks = new Map(
    Object.entries<Fields<object>>(shapes).map(([kind, shape]) => [
      kind,
      fields({ ...shape, kind: oneOf([kind]) } as Fields<{ kind: string }>),
    ]),
  )
  return (value): value is M => {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null
    return typeof kind === 'string' && checks.get(kind)?.(value) === true
  }
}
