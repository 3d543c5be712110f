import type { ProfileName } from '../../workers/contract/ids.ts'
import { allowed, type CompiledCredential } from './credentials.ts'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { Spot } from './diagnostics.ts'
import type { Entry, Value } from './hcl/syntax.ts'
import { attributeOf, type Resolver, resolve } from './resolve.ts'
import { profileSchema } from './schema.ts'

/** One element of a profile's credentials. */
export interface ProfileEntry {
  readonly credential: CompiledCredential
  /** Block-side fields overlaid by those of the entry. */
  readonly disambiguator: { readonly [field: string]: string }
  /** The entry itself says how to pick it. */
  readonly isInline: boolean
  readonly spot: Spot
}

/** A decoded profile block. */
export interface CompiledProfile {
  readonly name: ProfileName
  readonly declared: Declared
  readonly entries: readonly ProfileEntry[]
  /** `hitl_async_grants` */
  readonly wantsAsync: boolean
}

/** Decodes a profile block; entries that are wrong are reported and left out. */
export function compileProfile(
  decoding: Decoding,
  resolver: Resolver,
  compiled: ReadonlyMap<string, CompiledCredential>,
  declared: Declared,
): CompiledProfile {
  const { block, file, name } = declared
  const { report } = decoding
  const title = `profile ${JSON.stringify(name)}`
  const input = decode(decoding, { file, body: block.body, header: block.header, title }, profileSchema)
  const grants = attributeOf(block.body, 'hitl_async_grants')?.value
  const wantsAsync = readFlag(input?.hitl_async_grants)
  if (grants !== undefined && grants.kind !== 'unknown' && wantsAsync === null)
    // the original takes anything here, for false
    report.warn({ file, span: grants.at }, 'hitl_async_grants must be true or false: it counts as false')
  const list = attributeOf(block.body, 'credentials')?.value
  const entries = list?.kind === 'list' ? list.items.map((value) => readEntry(resolver, file, value)) : []
  return {
    name: name as ProfileName,
    declared,
    entries: entries.flatMap((entry) => finishEntry(resolver, file, compiled, entry)),
    wantsAsync: wantsAsync ?? false,
  }
}

/** A boolean as HCL converts it; null: none. */
function readFlag(value: unknown): boolean | null {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : null
}

interface Written {
  readonly declared: Declared
  readonly inline: readonly Entry[]
  readonly value: Value
}

function readEntry(resolver: Resolver, file: number, value: Value): Written | null {
  if (value.kind !== 'map') {
    const declared = resolve(resolver, file, value, 'credential', 'credentials')
    return declared === null ? null : { declared, inline: [], value }
  }
  const named = value.entries.findLast(({ name }) => name === 'credential')
  if (named === undefined) {
    resolver.report.error({ file, span: value.at }, 'credentials: this entry has no credential', {
      hint: 'write { credential = bearer_token.NAME, placeholder = "…" }',
    })
    return null
  }
  const declared = resolve(resolver, file, named.value, 'credential', 'credentials: credential')
  const inline = value.entries.filter(({ name }) => name !== 'credential')
  return declared === null ? null : { declared, inline, value }
}

function finishEntry(
  { report }: Resolver,
  file: number,
  compiled: ReadonlyMap<string, CompiledCredential>,
  written: Written | null,
): ProfileEntry[] {
  const credential = written === null ? undefined : compiled.get(written.declared.name)
  if (written === null || credential === undefined) return []
  const fields: Record<string, string> = { ...credential.disambiguator }
  let isRight = true
  for (const { name, at, value } of written.inline) {
    if (!credential.definition.disambiguators.includes(name)) {
      report.error(
        { file, span: at },
        `${name} cannot pick a credential of type ${credential.definition.type}: ${allowed(credential.definition)}`,
      )
      isRight = false
    } else if (value.kind !== 'string' || value.value === '') {
      if (value.kind !== 'unknown') report.error({ file, span: value.at }, `${name} must be a non-empty string`)
      isRight = false
    } else fields[name] = value.value
  }
  if (!isRight) return []
  const spot = { file, span: written.value.at }
  return [{ credential, disambiguator: fields, isInline: written.inline.length > 0, spot }]
}
