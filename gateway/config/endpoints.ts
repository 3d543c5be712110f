import type { EndpointName } from '../../workers/contract/ids.ts'
import type { ProtocolDefinition, SettingsProblem } from '../../workers/contract/plugin.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import type { Declared } from './declare.ts'
import { type Decodable, type Decoding, decode, pick } from './decode.ts'
import type { Report } from './diagnostics.ts'
import type { Body, Span, Value } from './hcl/syntax.ts'
import { formatHost, type HostEntry, parseHost } from './hosts.ts'
import type { DeclaredEndpoint } from './policy.ts'
import { attributeOf } from './resolve.ts'
import { endpointSchema } from './schema.ts'

/** A decoded endpoint block. */
export interface CompiledEndpoint extends Omit<DeclaredEndpoint, 'unmatched'> {
  /** null: as the defaults say. */
  readonly unmatched: 'allow' | 'deny' | null
  readonly declared: Declared
  readonly definition: ProtocolDefinition
  /** Its host entries and where they are written. */
  readonly entries: readonly { readonly entry: HostEntry; readonly at: Span }[]
}

const framework = new Set(Object.keys(endpointSchema.shape))

/** Decodes an endpoint block; null when something in it is wrong (reported) or its type is unknown. */
export function compileEndpoint(decoding: Decoding, declared: Declared): CompiledEndpoint | null {
  const { block, file, name, spot, type } = declared
  const definition = protocolNamed(type)
  if (definition === undefined) return null
  const { report } = decoding
  const title = `endpoint ${JSON.stringify(name)}`
  const tunnel = attributeOf(block.body, 'tunnel')
  if (tunnel !== undefined)
    report.error({ file, span: tunnel.at }, `${title} asks for a tunnel: tunnels are not in this version yet`)
  const from: Decodable = { file, body: block.body, header: block.header, title }
  const common = decode(decoding, { ...from, body: withoutBlocks(pick(block.body, framework, true)) }, endpointSchema)
  const own = pick(block.body, framework, false)
  const settings = decode(decoding, { ...from, body: own, also: [...framework] }, definition.settings)
  if (settings === null) return null
  noteProblems(report, from, definition.check?.(settings) ?? [])
  const hosts = definition.hosts(settings)
  const entries = checkHosts(report, from, hosts)
  if (common === null || entries === null || tunnel !== undefined) return null
  return {
    name: name as EndpointName,
    protocol: type,
    hosts: entries.map(({ entry }) => formatHost(entry)),
    settings,
    description: common.description ?? null,
    retentionMs: common.retention,
    unmatched: common.unmatched ?? null,
    declared: { ...declared, spot },
    definition,
    entries,
  }
}

/** Reports what a definition's own check found, at the attributes it names. */
export function noteProblems(
  report: Report,
  { file, body, header }: Decodable,
  problems: readonly SettingsProblem[],
): void {
  for (const { path, message } of problems) {
    const attribute = attributeOf(body, String(path[0]))
    report.error({ file, span: attribute?.value.at ?? header }, message)
  }
}

function withoutBlocks(body: Body): Body {
  return { ...body, blocks: [] }
}

function checkHosts(report: Report, from: Decodable, hosts: readonly string[]): CompiledEndpoint['entries'] | null {
  const attribute = attributeOf(from.body, 'hosts')
  const fallback = attribute?.value.at ?? from.header
  if (hosts.length === 0) {
    report.error({ file: from.file, span: fallback }, `${from.title} has no hosts: it would never be reached`)
    return null
  }
  const items = attribute?.value.kind === 'list' ? attribute.value.items : []
  const seen = new Map<string, Span>()
  const entries: { entry: HostEntry; at: Span }[] = []
  for (const [index, host] of hosts.entries()) {
    const at = spanOf(items[index]) ?? fallback
    const entry = parseHost(host)
    if (typeof entry === 'string') {
      report.error({ file: from.file, span: at }, `hosts: ${entry}`)
      continue
    }
    const key = formatHost(entry)
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, at)
      entries.push({ entry, at })
    } else
      report.error({ file: from.file, span: at }, `hosts: duplicate host ${JSON.stringify(host)}`, {
        related: [{ message: 'the first is here', spot: { file: from.file, span: first } }],
      })
  }
  return entries.length === hosts.length ? entries : null
}

function spanOf(value: Value | undefined): Span | undefined {
  return value?.at
}
