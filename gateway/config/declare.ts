import { credentials } from '../../workers/credentials/index.ts'
import { protocols } from '../../workers/protocols/index.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { Attribute, Block, Body } from './hcl/syntax.ts'
import { didYouMean } from './suggest.ts'

/** Kinds of blocks that others name. */
export type Kind = 'endpoint' | 'credential' | 'approver' | 'tunnel' | 'rule' | 'profile'

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

/** Labels of the kinds that may be referred to, those of later versions included: naming one is no second error. */
export const labelsOf = { endpoint: 2, credential: 2, approver: 2, tunnel: 2, rule: 1, profile: 1 } as const

/** Block kinds of the language that this version does not have. */
const later: { readonly [kind: string]: string } = {
  approver: 'approvers are not in this version yet',
  tunnel: 'tunnels are not in this version yet',
  plugin: 'plugins are not in this version yet',
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
    },
    single: new Map(),
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
}

function checkTopAttribute(report: Report, file: number, { name, at }: Attribute): void {
  if (name === 'schema_version') return
  const home = ['unknown_host', 'human_timeout', 'llm_fail_mode', 'llm_cache_ttl', 'human_on_timeout'].includes(name)
    ? 'it belongs in defaults { … }'
    : 'only schema_version stands outside a block'
  report.error({ file, span: at }, `unsupported argument ${JSON.stringify(name)} at the top level`, { hint: home })
}

function addBlock(state: State, file: number, block: Block): void {
  const { report } = state
  const spot = { file, span: block.header }
  switch (block.type) {
    case 'gateway':
    case 'defaults':
      addSingle(state, file, block)
      break
    case 'endpoint':
    case 'credential':
      addNamed(state, file, block, block.type, 2)
      break
    case 'rule':
    case 'profile':
      addNamed(state, file, block, block.type, 1)
      break
    default: {
      const why = later[block.type]
      if (why !== undefined) report.error(spot, `${block.type} blocks are not supported: ${why}`)
      else
        report.error({ file, span: block.at }, `unsupported block type ${JSON.stringify(block.type)}`, {
          hint: didYouMean(block.type, kinds) ?? `known: ${kinds.join(', ')}`,
        })
    }
  }
}

const kinds = ['credential', 'defaults', 'endpoint', 'gateway', 'profile', 'rule']

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

function addNamed({ report, all }: State, file: number, block: Block, kind: Kind, wanted: 1 | 2): void {
  const spot = { file, span: block.header }
  const shape = wanted === 1 ? `${kind} "<name>"` : `${kind} "<type>" "<name>"`
  const extra = block.labels[wanted]
  if (extra !== undefined) {
    report.error({ file, span: extra.at }, `extraneous label ${JSON.stringify(extra.name)}: write ${shape}`)
    return
  }
  const nameLabel = block.labels[wanted - 1]
  if (nameLabel === undefined) {
    const missing = block.labels.length === 0 && wanted === 2 ? 'type and name labels are' : 'the name label is'
    report.error(spot, `${missing} missing: write ${shape}`)
    return
  }
  const name = nameLabel.name
  if (name === '') {
    report.error({ file, span: nameLabel.at }, `a ${kind} needs a name: write ${shape}`)
    return
  }
  const typeLabel = wanted === 2 ? block.labels[0] : undefined
  const type = typeLabel?.name ?? ''
  const known = kind === 'endpoint' ? protocols : kind === 'credential' ? credentials : null
  const isUnknown = known !== null && !known.some((each) => each.type === type)
  if (isUnknown && known !== null && typeLabel !== undefined) {
    const types = known.map((each) => each.type).sort()
    report.error(
      { file, span: typeLabel.at },
      `unknown ${kind} type ${JSON.stringify(type)}: known are ${types.join(', ')}`,
      {
        hint: didYouMean(type, types),
      },
    )
  }
  const first = all[kind].get(name)
  if (first === undefined) all[kind].set(name, { kind, type, name, block, file, spot, isUnknown })
  else
    report.error(spot, `duplicate ${kind} name ${JSON.stringify(name)}: names are unique within their kind`, {
      related: [{ message: 'the first is here', spot: first.spot }],
    })
}
