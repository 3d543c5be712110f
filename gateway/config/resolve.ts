import { builtinApprover } from '../approvals/index.ts'
import { type Declarations, type Declared, labelsOf } from './declare.ts'
import type { Report } from './diagnostics.ts'
import type { Attribute, Body, Value } from './hcl/syntax.ts'
import { didYouMean } from './suggest.ts'

/** Kinds of blocks that others may name. */
export type Referable = keyof typeof labelsOf

/** Looks up what attributes name. */
export interface Resolver {
  readonly report: Report
  readonly declarations: Declarations
}

/**
 * The block a value names: a reference that kept its kind, or text equal to a declared name.
 * @param label what messages call the attribute
 * @returns null when it names none; that is reported, unless the value itself was
 */
export function resolve(
  resolver: Resolver,
  file: number,
  value: Value,
  kind: Referable,
  label: string,
): Declared | null {
  const { report, declarations } = resolver
  const spot = { file, span: value.at }
  if (value.kind === 'unknown') return null
  if (value.kind !== 'string') {
    const found = value.kind === 'bool' || value.kind === 'number' ? String(value.value) : `a ${value.kind}`
    const hint = value.kind === 'list' && label === 'endpoint' ? 'write endpoints = […]' : exampleOf(kind)
    report.error(spot, `${label}: expected ${article(kind)}, found ${found}`, { hint })
    return null
  }
  const refs = value.refs ?? []
  const fits = refs.length === 0 || refs.some((ref) => ref.kind === kind)
  const found = declarations.all[kind].get(value.value)
  if (fits && found !== undefined) return found
  const other = refs.find((ref) => ref.kind !== kind)
  if (other !== undefined && !fits) {
    const declared = isKind(other.kind) ? declarations.all[other.kind].get(value.value) : undefined
    const written = `${other.type === '' ? other.kind : other.type}.${value.value}`
    report.error(spot, `${label}: expected ${article(kind)}, but ${written} is ${article(other.kind)}`, {
      hint: found === undefined ? undefined : `there is also ${article(kind)} of that name: ${pathOf(found)}`,
      related: declared === undefined ? [] : [{ message: `${written} is declared here`, spot: declared.spot }],
    })
    return null
  }
  const names = [...declarations.all[kind].values()]
  report.error(spot, `${label}: no ${kind} is called ${JSON.stringify(value.value)}`, {
    hint:
      quotedReference(value.value, names) ??
      didYouMean(
        value.value,
        names.map(({ name }) => name),
      ) ??
      (names.length === 0 ? `no ${kind} is declared` : undefined),
  })
  return null
}

/** `"https.api"`, which is a reference in quotes. */
function quotedReference(text: string, names: readonly Declared[]): string | undefined {
  return names.some((each) => pathOf(each) === text) ? `write ${text} without the quotes` : undefined
}

/** The same for values of which only the name counts; `builtin.dashboard` is an approver. */
export function resolveName(
  resolver: Resolver,
  file: number,
  value: Value,
  kind: Referable,
  label: string,
): string | null {
  if (kind === 'approver' && value.kind === 'string' && value.value === builtinApprover) {
    const refs = value.refs ?? []
    if (refs.length === 0 || refs.some((ref) => ref.kind === 'approver')) return builtinApprover
  }
  return resolve(resolver, file, value, kind, label)?.name ?? null
}

/** `endpoint = X` or `endpoints = [X, Y]`: the places and blocks, in the order they are written. */
export interface Targets {
  readonly endpoints: readonly { readonly declared: Declared; readonly value: Value }[]
  /** The attribute; null when neither is written. */
  readonly attribute: Attribute | null
  readonly clean: boolean
}

/** Resolves the `endpoint`/`endpoints` pair of a block; using both, or naming one twice, is an error. */
export function resolveTargets(resolver: Resolver, file: number, body: Body, title: string): Targets {
  const one = attributeOf(body, 'endpoint')
  const many = attributeOf(body, 'endpoints')
  if (one !== undefined && many !== undefined) {
    resolver.report.error({ file, span: many.at }, `${title} has endpoint and endpoints: use one`, {
      related: [{ message: 'endpoint is here', spot: { file, span: one.at } }],
    })
    return { endpoints: [], attribute: one, clean: false }
  }
  const attribute = one ?? many
  if (attribute === undefined) return { endpoints: [], attribute: null, clean: true }
  const values = one !== undefined ? [one.value] : attribute.value.kind === 'list' ? attribute.value.items : []
  const found = new Map<string, { declared: Declared; value: Value }>()
  let clean = one !== undefined || attribute.value.kind === 'list'
  for (const value of values) {
    const declared = resolve(resolver, file, value, 'endpoint', attribute.name)
    if (declared === null) clean = false
    else if (!found.has(declared.name)) found.set(declared.name, { declared, value })
    else
      resolver.report.warn(
        { file, span: value.at },
        `${title} names the endpoint ${JSON.stringify(declared.name)} twice`,
      )
  }
  return { endpoints: [...found.values()], attribute, clean }
}

/** The attribute of that name in a body. */
export function attributeOf(body: Body, name: string): Attribute | undefined {
  return body.attributes.find((attribute) => attribute.name === name)
}

/** How a block is referred to: `https.api`, or `https["my api"]`. */
export function pathOf({ kind, type, name }: Pick<Declared, 'kind' | 'type' | 'name'>): string {
  const object = type === '' ? kind : type
  return /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u.test(name) ? `${object}.${name}` : `${object}[${JSON.stringify(name)}]`
}

function article(kind: string): string {
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`
}

function exampleOf(kind: Referable): string {
  return `refer to it as ${examples[kind]}`
}

const examples: { readonly [kind in Referable]: string } = {
  endpoint: 'https.NAME',
  credential: 'TYPE.NAME, like bearer_token.NAME',
  approver: 'builtin.dashboard or TYPE.NAME, like human_approver.NAME',
  tunnel: 'TYPE.NAME, like ssh_port_forward.NAME',
  rule: 'rule.NAME',
  profile: 'profile.NAME',
}

function isKind(kind: string): kind is Referable {
  return Object.hasOwn(labelsOf, kind)
}
