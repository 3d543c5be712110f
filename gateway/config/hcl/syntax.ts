/** Place in a file: index of its first byte and of the byte after its last. */
export type Span = readonly [start: number, end: number]

/** What a string was written as when it named a declared block: `https.api` is `{ kind: 'endpoint', type: 'https' }`. */
export interface Reference {
  readonly kind: string
  /** Empty for kinds with one label. */
  readonly type: string
}

/** An evaluated expression and where it was written. */
export type Value =
  | { readonly kind: 'string'; readonly value: string; readonly refs?: readonly Reference[]; readonly at: Span }
  | { readonly kind: 'bool'; readonly value: boolean; readonly at: Span }
  /** Decimal text: HCL numbers are not doubles. */
  | { readonly kind: 'number'; readonly value: string; readonly at: Span }
  | { readonly kind: 'null'; readonly at: Span }
  | { readonly kind: 'list'; readonly items: readonly Value[]; readonly at: Span }
  | { readonly kind: 'map'; readonly entries: readonly Entry[]; readonly at: Span }
  /** Could not be evaluated; a diagnostic tells why. */
  | { readonly kind: 'unknown'; readonly at: Span }

/** One entry of an object expression. */
export interface Entry {
  readonly name: string
  readonly at: Span
  readonly value: Value
}

export interface Attribute {
  readonly name: string
  /** The name alone. */
  readonly at: Span
  readonly value: Value
}

export interface Block {
  readonly type: string
  /** The type word alone. */
  readonly at: Span
  /** Type and labels. */
  readonly header: Span
  readonly labels: readonly { readonly name: string; readonly at: Span }[]
  readonly body: Body
}

export interface Body {
  /** In the order they are written. */
  readonly attributes: readonly Attribute[]
  readonly blocks: readonly Block[]
}

/** What HashiCorp's parser or evaluator found, in its words. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly summary: string
  readonly detail: string
  /** Index of the file; absent when it is about no place. */
  readonly file?: number
  readonly at?: Span
}
