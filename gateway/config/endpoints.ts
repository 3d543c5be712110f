import type { EndpointName, TunnelName } from '../../workers/contract/ids.ts'
import type { ProtocolDefinition } from '../../workers/contract/plugin.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import type { Declared } from './declare.ts'
import { type Decodable, type Decoding, decode, pick } from './decode.ts'
import type { Report } from './diagnostics.ts'
import type { Body, Span } from './hcl/syntax.ts'
import { formatHost, type HostEntry, parseHost } from './hosts.ts'
import { noteProblems } from './note-problems.ts'
import type { DeclaredEndpoint } from './policy.ts'
import { attributeOf, type Resolver } from './resolve.ts'
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
export function compileEndpoint(decoding: Decoding, resolver: Resolver, declared: Declared): CompiledEndpoint | null {
  const { block, file, name, spot, type } = declared
  const definition = protocolNamed(type)
  if (definition === undefined) return null
  const { report } = decoding
  const title = `endpoint ${JSON.stringify(name)}`
  const from: Decodable = { file, body: block.body, header: block.header, title, refs: resolver }
  const common = decode(decoding, { ...from, body: withoutBlocks(pick(block.body, framework, true)) }, endpointSchema)
  const own = pick(block.body, framework, false)
  const settings = decode(decoding, { ...from, body: own, also: [...framework] }, definition.settings)
  if (settings === null) return null
  const isWrong = noteProblems(report, from, definition.check?.(settings) ?? [])
  const entries = checkHosts(report, from, definition.hosts(settings))
  if (common === null || entries === null || isWrong) return null
  const tunnel = attributeOf(block.body, 'tunnel')
  if (tunnel !== undefined && !entries.some(({ entry }) => entry.kind !== 'ip')) {
    report.error({ file, span: tunnel.value.at }, `${title} has no host name, which its tunnel needs`, {
      hint: 'agents reach what is behind a tunnel by name: add one to its hosts',
    })
    return null
  }
  return {
    name: name as EndpointName,
    protocol: type,
    hosts: entries.map(({ entry }) => formatHost(entry)),
    settings,
    description: common.description ?? null,
    retentionMs: common.retention,
    unmatched: common.unmatched ?? null,
    via: (common.tunnel as TunnelName | undefined) ?? null,
    declared: { ...declared, spot },
    definition,
    entries,
  }
}

function withoutBlocks(body: Body): Body {
  return { ...body, blocks: [] }
}

/** Host entries and where they are written; null when one is wrong. None at all is allowed, and warned of. */
function checkHosts(report: Report, from: Decodable, hosts: readonly string[]): CompiledEndpoint['entries'] | null {
  const { file, title } = from
  if (hosts.length === 0) {
    const span = attributeOf(from.body, 'hosts')?.value.at ?? from.header
    report.warn({ file, span }, `${title} has no hosts: it is never reached, and its rules never run`)
    return []
  }
  const seen = new Map<string, Span>()
  const entries: { entry: HostEntry; at: Span }[] = []
  for (const [index, host] of hosts.entries()) {
    const { name, at } = whereWritten(from, host, index)
    const entry = parseHost(host)
    if (typeof entry === 'string') {
      report.error({ file, span: at }, `${name}: ${entry}`)
      continue
    }
    const key = formatHost(entry)
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, at)
      entries.push({ entry, at })
    } else
      report.error({ file, span: at }, `${name}: duplicate host ${JSON.stringify(host)}`, {
        related: [{ message: 'the first is here', spot: { file, span: first } }],
      })
  }
  return entries.length === hosts.length ? entries : null
}

/** Which attribute a host comes from: its place in `hosts`, or the attribute of its own. */
function whereWritten({ body, header }: Decodable, host: string, index: number): { name: string; at: Span } {
  const list = attributeOf(body, 'hosts')
  const item = list?.value.kind === 'list' ? list.value.items[index] : undefined
  if (item !== undefined) return { name: 'hosts', at: item.at }
  const own = body.attributes.find(({ value }) => value.kind === 'string' && value.value === host)
  return { name: own?.name ?? 'hosts', at: own?.value.at ?? list?.value.at ?? header }
}
