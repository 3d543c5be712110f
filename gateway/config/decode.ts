import { z } from 'zod'
import { type FieldFacts, fields } from '../../workers/contract/fields.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { FileMarkers } from './file-markers.ts'
import type { Attribute, Block, Body, Span, Value } from './hcl/syntax.ts'
import { issueMessage, valueHint } from './issues.ts'
import { placeHint } from './place-hints.ts'
import { type Resolver, resolveName } from './resolve.ts'
import { didYouMean } from './suggest.ts'

/** Where decoding reports to and reads from. */
export interface Decoding {
  readonly report: Report
  readonly markers: FileMarkers
}

/** A body to decode, with what messages call it. */
export interface Decodable {
  readonly file: number
  readonly body: Body
  /** Shown when something is missing. */
  readonly header: Span
  /** `endpoint "a"`, `gateway`. */
  readonly title: string
  /** Attributes that are known but decoded elsewhere. */
  readonly also?: readonly string[]
  /** Attributes that name other blocks are looked up with it; without, they are left to the caller. */
  readonly refs?: Resolver
}

/**
 * Turns a body into typed settings. Every problem is reported at its place; a value whose expression failed was
 * reported already and causes no second problem.
 * @returns null when something was wrong
 */
export function decode<S extends z.ZodType>(decoding: Decoding, from: Decodable, schema: S): z.output<S> | null {
  const shape = shapeOf(schema)
  const state: State = { decoding, from, clean: true, reported: new Set() }
  const input = readBody(state, from.body, shape, from.also ?? [])
  const parsed = schema.safeParse(input)
  for (const issue of parsed.error?.issues ?? []) noteIssue(state, shape, issue)
  return parsed.success && state.clean ? parsed.data : null
}

/** A body without, or with only, some attributes. */
export function pick(body: Body, names: ReadonlySet<string>, wanted: boolean): Body {
  return { ...body, attributes: body.attributes.filter(({ name }) => names.has(name) === wanted) }
}

/** The attribute schemas of an object schema, by name. */
export function shapeOf(schema: z.ZodType): { readonly [name: string]: z.ZodType } {
  return schema instanceof z.ZodObject ? (schema.shape as { [name: string]: z.ZodType }) : {}
}

interface State {
  readonly decoding: Decoding
  readonly from: Decodable
  clean: boolean
  /** Values that are known to be wrong: the schema's word on them is not asked for. */
  readonly reported: Set<Value>
}

type Shape = ReturnType<typeof shapeOf>

function readBody(state: State, body: Body, shape: Shape, also: readonly string[]): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const attribute of body.attributes) readAttribute(state, attribute, shape, also, input)
  const seen = new Map<string, Block>()
  for (const block of body.blocks) {
    const schema = Object.hasOwn(shape, block.type) ? shape[block.type] : undefined
    if (schema === undefined || factsOf(schema)?.block !== true) {
      unknownName(state, block.at, block.type, 'block', shape, also)
      continue
    }
    const first = seen.get(block.type)
    if (first !== undefined) {
      fail(state, block.header, `${block.type} is written twice: at most one is allowed`, {
        related: [{ message: 'the first is here', spot: spotOf(state, first.header) }],
      })
      continue
    }
    seen.set(block.type, block)
    const label = block.labels[0]
    if (label !== undefined) fail(state, label.at, `${block.type} takes no label`)
    input[block.type] = readBody(state, block.body, shapeOf(innermost(schema)), [])
  }
  return input
}

function readAttribute(
  state: State,
  { name, at, value }: Attribute,
  shape: Shape,
  also: readonly string[],
  input: Record<string, unknown>,
): void {
  const schema = Object.hasOwn(shape, name) ? shape[name] : undefined
  const facts = schema === undefined ? undefined : factsOf(schema)
  if (schema === undefined || facts?.block === true) {
    unknownName(state, at, name, 'attribute', shape, also)
    return
  }
  if (facts?.secrets !== true) warnOfSecrets(state, name, value)
  if (facts?.ref !== undefined && state.from.refs !== undefined)
    input[name] = readReference(state, state.from.refs, facts, name, value)
  else input[name] = facts?.files === true && value.kind === 'string' ? readFiles(state, name, value) : plainOf(value)
}

function readFiles(state: State, name: string, value: Extract<Value, { kind: 'string' }>): unknown {
  const expanded = state.decoding.markers.expand(value.value)
  if ('text' in expanded) return expanded.text
  fail(state, value.at, `${name}: ${expanded.problem}`)
  return wrong(state, value)
}

/** The name of the block, or of each block of a list. */
function readReference(state: State, resolver: Resolver, facts: FieldFacts, name: string, value: Value): unknown {
  const { file } = state.from
  const kind = facts.ref ?? 'endpoint'
  if (value.kind === 'list') return value.items.map((item) => readReference(state, resolver, facts, name, item))
  const found = resolveName(resolver, file, value, kind, name)
  if (found === null) return wrong(state, value)
  const declared = resolver.declarations.all[kind].get(found)
  const type = declared?.type ?? 'builtin'
  if (facts.refTypes !== undefined && !facts.refTypes.includes(type)) {
    // the original takes any, and does without when it is of no use
    const related = declared === undefined ? [] : [{ message: 'it is declared here', spot: declared.spot }]
    resolver.report.warn(
      { file, span: value.at },
      `${name}: ${type}.${found} is of no use here: only ${facts.refTypes.join(', ')} is`,
      { related },
    )
  }
  return found
}

/** `{{secret:NAME}}` where nothing would put the secret in. */
function warnOfSecrets(state: State, name: string, value: Value): void {
  if (value.kind === 'list') for (const item of value.items) warnOfSecrets(state, name, item)
  else if (value.kind === 'map') for (const entry of value.entries) warnOfSecrets(state, name, entry.value)
  else if (value.kind === 'string' && value.value.includes('{{secret:'))
    state.decoding.report.warn(spotOf(state, value.at), `${name}: {{secret:…}} is not replaced here`)
}

function wrong(state: State, value: Value): typeof unevaluated {
  state.clean = false
  state.reported.add(value)
  return unevaluated
}

function unknownName(
  state: State,
  at: Span,
  name: string,
  written: 'attribute' | 'block',
  shape: Shape,
  also: readonly string[],
): void {
  const { title } = state.from
  const own = Object.hasOwn(shape, name) ? shape[name] : undefined
  if (own !== undefined && written === 'attribute') {
    fail(state, at, `${name} in ${title} is a block: write ${name} { … } without the equals sign`)
    return
  }
  if (own !== undefined || also.includes(name)) {
    fail(state, at, `${name} in ${title} is an attribute: write ${name} = …`)
    return
  }
  const known = [...Object.keys(shape), ...also]
  const hint =
    placeHint(name, title) ??
    didYouMean(name, known) ??
    (known.length === 0 ? 'it takes no attributes of its own' : `known: ${[...known].sort().join(', ')}`)
  fail(state, at, `unsupported ${written === 'block' ? 'block' : 'argument'} ${JSON.stringify(name)} in ${title}`, {
    hint,
  })
}

/** Stands for a value that could not be evaluated, so that it is neither missing nor of a wrong type twice. */
const unevaluated: unique symbol = Symbol('unevaluated')

/** A value as plain data; `unknown` stands for what could not be evaluated. */
export function plainOf(value: Value, unknown: unknown = unevaluated): unknown {
  switch (value.kind) {
    case 'string':
    case 'bool':
      return value.value
    case 'number':
      return Number(value.value)
    case 'null':
      return null
    case 'unknown':
      return unknown
    case 'list':
      return value.items.map((item) => plainOf(item, unknown))
    case 'map':
      return Object.fromEntries(value.entries.map((entry) => [entry.name, plainOf(entry.value, unknown)]))
    default:
      return value satisfies never
  }
}

function noteIssue(state: State, shape: Shape, issue: z.core.$ZodIssue): void {
  state.clean = false
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  const found = locate(state.from, path)
  if (found.unevaluated || (found.value !== null && state.reported.has(found.value))) return
  const name = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1)
  const facts = shape[String(path[0])] === undefined ? undefined : factsOf(shape[String(path[0])])
  if (found.missing) {
    const example = facts?.example === undefined ? undefined : `for example ${path.at(-1)} = ${facts.example}`
    fail(state, found.at, `${state.from.title} needs the argument ${JSON.stringify(path.at(-1))}`, { hint: example })
    return
  }
  const hint = valueHint(issue, found.value, facts?.ref === undefined ? undefined : String(path[0]))
  fail(state, found.at, `${name}: ${issueMessage(issue, found.value)}`, { hint })
}

/** Where the part of a body is that a path leads to; its header when there is none. */
export function spanAt(from: Pick<Decodable, 'body' | 'header'>, path: readonly (string | number)[]): Span {
  return locate(from, path).at
}

interface Located {
  readonly at: Span
  readonly value: Value | null
  readonly missing: boolean
  /** Part of something that could not be evaluated. */
  readonly unevaluated: boolean
}

function locate({ body, header }: Pick<Decodable, 'body' | 'header'>, path: readonly (string | number)[]): Located {
  const [head, ...rest] = path
  const attribute = body.attributes.find(({ name }) => name === head)
  if (attribute !== undefined) return locateValue(attribute.value, rest)
  const block = body.blocks.find(({ type }) => type === head)
  if (block !== undefined && rest.length > 0) return locate(block, rest)
  return {
    at: block?.header ?? header,
    value: null,
    missing: block === undefined && path.length > 0,
    unevaluated: false,
  }
}

function locateValue(value: Value, path: readonly (string | number)[]): Located {
  const [head, ...rest] = path
  const inner =
    value.kind === 'list' && typeof head === 'number'
      ? value.items[head]
      : value.kind === 'map'
        ? value.entries.findLast(({ name }) => name === head)?.value
        : undefined
  if (inner !== undefined) return locateValue(inner, rest)
  return { at: value.at, value, missing: false, unevaluated: value.kind === 'unknown' }
}

function factsOf(schema: z.ZodType | undefined): FieldFacts | undefined {
  return schema === undefined ? undefined : fields.get(schema)
}

function innermost(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema
}

function spotOf(state: State, span: Span): Spot {
  return { file: state.from.file, span }
}

function fail(state: State, span: Span, message: string, aside: Parameters<Report['error']>[2] = {}): void {
  state.clean = false
  state.decoding.report.error(spotOf(state, span), message, aside)
}
