import { credentials } from '../../workers/credentials/index.ts'
import { protocols } from '../../workers/protocols/index.ts'
import { approvers, builtinApprover } from '../approvals/index.ts'
import { tunnels } from '../tunnels/index.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { Attribute, Block, Body } from './hcl/syntax.ts'
import { defaultsSchema, gatewaySchema } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** Kinds of blocks that others name. */
export type Kind = 'endpoint' | 'credential' | 'approver' | 'tunnel' | 'rule' | 'profile' | 'plugin'

/** One declared block: it has a name, whether or not what is in it is right. */
export interface Declared {
  readonly kind: Kind
  /** First of two labels; empty for kinds with one. */
  readonly type: string
  readonly name: string
  readonly block: Block
  readonly file: number
  readonly spot: Spot
  /** Its type is not one we know: it can be named, but not decoded. */
  readonly isUnknown: boolean
}

/** Everything the files declare, in the order of files and lines. */
export interface Declarations {
  readonly all: { readonly [kind in Kind]: ReadonlyMap<string, Declared> }
  readonly gateway: Single | null
  readonly defaults: Single | null
}

/** A block of which there is at most one. */
export interface Single {
  readonly block: Block
  readonly file: number
}

/** Labels of the kinds that may be referred to. */
export const labelsOf = { endpoint: 2, credential: 2, approver: 2, tunnel: 2, rule: 1, profile: 1 } as const

/** Blocks in which nothing may be referred to. */
export const closedKinds = ['gateway', 'defaults', 'plugin'] as const

/** The types each kind with two labels has. */
export const typesOf: { readonly [kind in 'endpoint' | 'credential' | 'approver' | 'tunnel']: readonly string[] } = {
  endpoint: protocols.map(({ type }) => type).sort(),
  credential: credentials.map(({ type }) => type).sort(),
  approver: approvers.map(({ type }) => type).sort(),
  tunnel: tunnels.map(({ type }) => type).sort(),
}

/** Sorts top-level blocks by kind and name; reports what may not stand at the top, wrong labels and duplicates. */
export function declare(report: Report, bodies: readonly Body[]): Declarations {
  const state: State = {
    report,
    all: {
      endpoint: new Map(),
      credential: new Map(),
      approver: new Map(),
      tunnel: new Map(),
      rule: new Map(),
      profile: new Map(),
      plugin: new Map(),
    },
    single: new Map(),
    hasPlugins: bodies.some(({ blocks }) => blocks.some(({ type }) => type === 'plugin')),
  }
  for (const [file, body] of bodies.entries()) {
    for (const attribute of body.attributes) checkTopAttribute(report, file, attribute)
    for (const block of body.blocks) addBlock(state, file, block)
  }
  return {
    all: state.all,
    gateway: state.single.get('gateway') ?? null,
    defaults: state.single.get('defaults') ?? null,
  }
}

interface State {
  readonly report: Report
  readonly all: { readonly [kind in Kind]: Map<string, Declared> }
  readonly single: Map<string, Single>
  /** Types nobody knows may be those of a plugin. */
  readonly hasPlugins: boolean
}

function checkTopAttribute(report: Report, file: number, { name, at }: Attribute): void {
  if (name === 'schema_version') return
  const home = Object.hasOwn(defaultsSchema.shape, name)
    ? 'it belongs in defaults { … }'
    : Object.hasOwn(gatewaySchema.shape, name)
      ? 'it belongs in gateway { … }'
      : 'only schema_version stands outside a block'
  report.error({ file, span: at }, `unsupported argument ${JSON.stringify(name)} at the top level`, { hint: home })
}

function addBlock(state: State, file: number, block: Block): void {
  const { report } = state
  switch (block.type) {
    case 'gateway':
    case 'defaults':
      addSingle(state, file, block)
      break
    case 'endpoint':
    case 'credential':
    case 'approver':
    case 'tunnel':
      addTyped(state, file, block, block.type)
      break
    case 'rule':
    case 'profile':
    case 'plugin':
      addPlain(state, file, block, block.type)
      break
    default:
      report.error({ file, span: block.at }, `unsupported block type ${JSON.stringify(block.type)}`, {
        hint: didYouMean(block.type, kinds) ?? `known: ${kinds.join(', ')}`,
      })
  }
}

const kinds = ['approver', 'credential', 'defaults', 'endpoint', 'gateway', 'plugin', 'profile', 'rule', 'tunnel']

function addSingle({ report, single }: State, file: number, block: Block): void {
  const spot = { file, span: block.header }
  const label = block.labels[0]
  if (label !== undefined) report.error({ file, span: label.at }, `${block.type} takes no label`)
  const first = single.get(block.type)
  if (first === undefined) single.set(block.type, { block, file })
  else
    report.error(spot, `duplicate ${block.type} block: at most one is allowed over all files`, {
      related: [{ message: 'the first is here', spot: { file: first.file, span: first.block.header } }],
    })
}

function addPlain(state: State, file: number, block: Block, kind: 'rule' | 'profile' | 'plugin'): void {
  const name = nameOf(state, file, block, kind, `${kind} "<name>"`, 1)
  if (name !== null)
    add(state, { kind, type: '', name, block, file, spot: { file, span: block.header }, isUnknown: false })
}

function addTyped(state: State, file: number, block: Block, kind: keyof typeof typesOf): void {
  const { report, all } = state
  const name = nameOf(state, file, block, kind, `${kind} "<type>" "<name>"`, 2)
  const typeLabel = block.labels[0]
  if (name === null || typeLabel === undefined) return
  const type = typeLabel.name
  const spot = { file, span: block.header }
  const types = typesOf[kind]
  const isUnknown = !types.includes(type)
  if (isUnknown)
    report.error(
      { file, span: typeLabel.at },
      `unknown ${kind} type ${JSON.stringify(type)}: known are ${types.join(', ')}`,
      { hint: didYouMean(type, types) ?? otherKind(kind, type) ?? (state.hasPlugins ? fromPlugin : undefined) },
    )
  if (kind === 'approver' && name === builtinApprover) {
    report.error(
      spot,
      `the approver name ${JSON.stringify(name)} is reserved: builtin.${name} is there without a block`,
      { hint: `write approve = [builtin.${name}], or give this one another name` },
    )
    return
  }
  add({ report, all }, { kind, type, name, block, file, spot, isUnknown })
}

/** The last of the labels a block has to have; null when they are not right (reported). */
function nameOf(
  { report }: State,
  file: number,
  block: Block,
  kind: Kind,
  shape: string,
  wanted: 1 | 2,
): string | null {
  const extra = block.labels[wanted]
  if (extra !== undefined) {
    report.error({ file, span: extra.at }, `extraneous label ${JSON.stringify(extra.name)}: write ${shape}`)
    return null
  }
  const label = block.labels[wanted - 1]
  if (label === undefined) {
    const missing = block.labels.length === 0 && wanted === 2 ? 'type and name labels are' : 'the name label is'
    report.error({ file, span: block.header }, `${missing} missing: write ${shape}`)
    return null
  }
  if (label.name !== '') return label.name
  report.error({ file, span: label.at }, `${kind} blocks need a name: write ${shape}`)
  return null
}

function add({ report, all }: Pick<State, 'report' | 'all'>, declared: Declared): void {
  const { kind, name, spot } = declared
  const first = all[kind].get(name)
  if (first === undefined) all[kind].set(name, declared)
  else
    report.error(spot, `duplicate ${kind} name ${JSON.stringify(name)}: names are unique within their kind`, {
      related: [{ message: 'the first is here', spot: first.spot }],
    })
}

const fromPlugin = 'this version does not start plugins: types they bring cannot be used yet'

function otherKind(kind: keyof typeof typesOf, type: string): string | undefined {
  const other = (Object.keys(typesOf) as (keyof typeof typesOf)[]).find(
    (each) => each !== kind && typesOf[each].includes(type),
  )
  return other === undefined ? undefined : `${type} is a type of ${other}s`
}
