import type { CredentialName, TunnelName } from '../../workers/contract/ids.ts'
import type { TunnelDefinition } from '../../workers/contract/plugin.ts'
import { type Keepalive, sharingOf } from '../tunnels/common-settings.ts'
import { tunnelNamed } from '../tunnels/index.ts'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { Report } from './diagnostics.ts'
import { noteProblems } from './note-problems.ts'
import type { DeclaredTunnel } from './policy.ts'
import { attributeOf, type Resolver, resolveName } from './resolve.ts'

/** A decoded tunnel block. */
export interface CompiledTunnel extends DeclaredTunnel {
  readonly declared: Declared
  readonly definition: TunnelDefinition
}

/** The attributes every tunnel has, as decoded. */
interface CommonInput {
  readonly share?: DeclaredTunnel['share']
  readonly keepalive?: Keepalive
  readonly via?: string
  readonly credential?: string
}

/** Decodes a tunnel block; null when something in it is wrong (reported) or its type is unknown. */
export function compileTunnel(decoding: Decoding, resolver: Resolver, declared: Declared): CompiledTunnel | null {
  const { block, file, name, type } = declared
  const definition = tunnelNamed(type)
  if (definition === undefined) return null
  const title = `tunnel ${JSON.stringify(name)}`
  const from = { file, body: block.body, header: block.header, title, refs: resolver }
  const settings = decode(decoding, from, definition.settings)
  if (settings === null) return null
  if (noteProblems(decoding.report, from, definition.check?.(settings) ?? [], title)) return null
  const common = settings as CommonInput
  const { share, keepalive } = sharingOf(definition, common)
  return {
    name: name as TunnelName,
    type,
    settings,
    share,
    keepaliveMs: keepalive === 'always' ? null : keepalive,
    via: (common.via as TunnelName | undefined) ?? null,
    credential: (common.credential as CredentialName | undefined) ?? null,
    declared,
    definition,
  }
}

/** Reports tunnels that lead back to themselves, once for each circle. */
export function checkTunnelCycles(report: Report, resolver: Resolver): void {
  const { declarations } = resolver
  const quiet: Resolver = { declarations, report: silent }
  const next = (from: Declared): Declared | undefined => {
    const via = attributeOf(from.block.body, 'via')?.value
    const name = via === undefined ? null : resolveName(quiet, from.file, via, 'tunnel', 'via')
    return name === null ? undefined : declarations.all.tunnel.get(name)
  }
  const done = new Set<Declared>()
  for (const start of declarations.all.tunnel.values()) {
    const path: Declared[] = []
    for (let at: Declared | undefined = start; at !== undefined && !done.has(at); at = next(at)) {
      const index = path.indexOf(at)
      if (index >= 0) {
        reportCycle(report, path.slice(index))
        break
      }
      path.push(at)
    }
    for (const each of path) done.add(each)
  }
}

const silent: Report = {
  error: () => undefined,
  warn: () => undefined,
  hasErrors: () => false,
  problems: () => [],
}

function reportCycle(report: Report, cycle: readonly Declared[]): void {
  const last = cycle.at(-1)
  const first = cycle[0]
  if (first === undefined || last === undefined) return
  const names = [...cycle, first].map(({ name }) => JSON.stringify(name)).join(' via ')
  const via = attributeOf(last.block.body, 'via')
  report.error(
    { file: last.file, span: via?.value.at ?? last.block.header },
    `tunnel ${JSON.stringify(first.name)} leads back to itself: ${names}`,
    { related: [{ message: `${JSON.stringify(first.name)} is declared here`, spot: first.spot }] },
  )
}
