import { homedir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { Report } from './diagnostics.ts'
import type { DeclaredPlugin, GatewaySettings } from './policy.ts'
import { attributeOf } from './resolve.ts'
import { pluginSchema } from './schema.ts'

/** A decoded plugin block. */
export interface CompiledPlugin extends DeclaredPlugin {
  readonly declared: Declared
}

/** Decodes a plugin block; null when something in it is wrong (reported). Nothing is started or fetched. */
export function compilePlugin(decoding: Decoding, declared: Declared): CompiledPlugin | null {
  const { block, file, name } = declared
  const title = `plugin ${JSON.stringify(name)}`
  const from = { file, body: block.body, header: block.header, title }
  const input = decode(decoding, from, pluginSchema)
  if (input === null) return null
  const isRemote = input.source.startsWith('github.com/')
  for (const attribute of ['version', 'provenance']) {
    const written = attributeOf(block.body, attribute)
    if (isRemote || written === undefined) continue
    decoding.report.warn(
      { file, span: written.at },
      `${title}: ${attribute} has no effect on a plugin from a path of this host`,
      { hint: 'it is about releases, source = "github.com/<owner>/<repo>"' },
    )
  }
  return {
    name,
    source: input.source,
    version: input.version ?? null,
    provenance: input.provenance ?? 'warn',
    network: input.network ?? null,
    sandbox: input.sandbox ?? 'enforce',
    readPaths: input.read_paths ?? [],
    declared,
  }
}

/** Reports plugins that would read the state of the gateway: its secrets are there. */
export function checkReadPaths(
  report: Report,
  plugins: Iterable<CompiledPlugin>,
  { stateDir }: Pick<GatewaySettings, 'stateDir'>,
): void {
  const state = resolve(stateDir)
  for (const { name, readPaths, declared } of plugins) {
    const list = attributeOf(declared.block.body, 'read_paths')?.value
    for (const [index, path] of readPaths.entries()) {
      const whole = resolve(path.startsWith('~/') ? join(homedir(), path.slice(2)) : path)
      if (!isWithin(whole, state) && !isWithin(state, whole)) continue
      const at = list?.kind === 'list' ? list.items[index]?.at : undefined
      report.error(
        { file: declared.file, span: at ?? declared.block.header },
        `plugin ${JSON.stringify(name)}: read_paths overlaps the state directory ${JSON.stringify(stateDir)}`,
        { hint: 'the secrets of the gateway are there: name a directory outside' },
      )
    }
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`)
}
