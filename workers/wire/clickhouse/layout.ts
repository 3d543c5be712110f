/** How the values of a column's type are laid out. */
export type Layout =
  | { readonly kind: 'fixed'; readonly width: number }
  | { readonly kind: 'string' }
  | { readonly kind: 'nullable'; readonly of: Layout }
  | { readonly kind: 'array'; readonly of: Layout }
  | { readonly kind: 'tuple'; readonly of: readonly Layout[] }
  /** A dictionary of distinct values, and which of them each row has. */
  | { readonly kind: 'dictionary'; readonly of: Layout }

/** Of values that are all of one width, bytes. */
export function fixed(width: number): Layout {
  return { kind: 'fixed', width }
}
