import type { CredentialName } from '../../workers/contract/ids.ts'
import type { CredentialDefinition } from '../../workers/contract/plugin.ts'
import { credentialNamed } from '../../workers/credentials/index.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import type { Declared } from './declare.ts'
import { type Decodable, type Decoding, decode, pick } from './decode.ts'
import { noteProblems } from './note-problems.ts'
import { attributeOf, type Resolver, resolveTargets } from './resolve.ts'
import { credentialSchema } from './schema.ts'

/** A decoded credential block. */
export interface CompiledCredential {
  readonly name: CredentialName
  readonly declared: Declared
  readonly definition: CredentialDefinition
  readonly settings: unknown
  readonly description: string | null
  /** Endpoints it is for. */
  readonly endpoints: readonly Declared[]
  /** What the block itself says to pick it by. */
  readonly disambiguator: { readonly [field: string]: string }
}

const framework = new Set(Object.keys(credentialSchema.shape))

/** Decodes a credential block; null when something in it is wrong (reported) or its type is unknown. */
export function compileCredential(
  decoding: Decoding,
  resolver: Resolver,
  declared: Declared,
): CompiledCredential | null {
  const { block, file, name, type } = declared
  const definition = credentialNamed(type)
  if (definition === undefined) return null
  const { report } = decoding
  const title = `credential ${JSON.stringify(name)}`
  const from: Decodable = { file, body: block.body, header: block.header, title }
  const placeholder = attributeOf(block.body, 'placeholder')
  const common = decode(
    decoding,
    { ...from, body: { ...pick(block.body, framework, true), blocks: [] } },
    credentialSchema,
  )
  const own = pick(block.body, framework, false)
  const settings = decode(decoding, { ...from, body: own, also: [...framework], refs: resolver }, definition.settings)
  const { endpoints, clean } = resolveTargets(resolver, file, block.body, title)
  let isRight = clean && common !== null
  for (const { declared: endpoint, value } of endpoints) {
    const protocol = protocolNamed(endpoint.type)
    if (protocol === undefined || fits(definition, protocol.accepts)) continue
    isRight = false
    report.error({ file, span: value.at }, `${title}: ${type} is of no use on ${endpoint.type} endpoints`, {
      hint: `it fills ${definition.fills.join(', ') || 'nothing in'}; they accept ${protocol.accepts.join(', ')}`,
      related: [{ message: 'the endpoint is declared here', spot: endpoint.spot }],
    })
  }
  if (placeholder !== undefined && !definition.disambiguators.includes('placeholder')) {
    isRight = false
    report.error(
      { file, span: placeholder.at },
      `placeholder cannot pick a credential of type ${type}: ${allowed(definition)}`,
    )
  } else if (common?.placeholder === '') {
    isRight = false
    report.error({ file, span: placeholder?.value.at ?? block.header }, 'placeholder must be a non-empty string')
  }
  if (settings === null) return null
  const isWrong = noteProblems(report, from, definition.check?.(settings) ?? [])
  if (!isRight || common === null || isWrong) return null
  return {
    name: name as CredentialName,
    declared,
    definition,
    settings,
    description: common.description ?? null,
    endpoints: endpoints.map((each) => each.declared),
    disambiguator: {
      ...ownDisambiguators(definition, settings),
      ...(common.placeholder === undefined ? {} : { placeholder: common.placeholder }),
    },
  }
}

/** What attributes of its type say to pick it by: the `user` and `database` of databases. */
function ownDisambiguators(definition: CredentialDefinition, settings: unknown): { readonly [field: string]: string } {
  const written = Object.entries(settings as { readonly [name: string]: unknown })
  return Object.fromEntries(
    written.flatMap(([name, value]) =>
      definition.ownDisambiguators?.includes(name) === true && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

/** Which fields may pick a credential of this type among several, in words. */
export function allowed({ type, disambiguators }: CredentialDefinition): string {
  return disambiguators.length === 0 ? `${type} has no disambiguators` : `allowed: ${disambiguators.join(', ')}`
}

/** One that holds no secret fits everywhere. */
function fits({ fills, slots }: CredentialDefinition, accepts: readonly string[]): boolean {
  return slots.length === 0 || fills.some((target) => accepts.includes(target))
}
