import type { KindModel, LanguageModel, TypeModel } from '../../gateway/config/describe.ts'
import type { FieldModel } from '../../gateway/config/describe-fields.ts'
import { banner, code, page, tableOf } from './markdown.ts'

/** The page on every block, type and attribute. */
export function configReference({ fields, kinds }: LanguageModel): string {
  return page(
    banner('the schemas that read the configuration'),
    '# Configuration reference',
    introduction,
    '## Outside any block',
    fieldTable(fields),
    ...kinds.flatMap(kindSection),
  )
}

const introduction = `A configuration is one file of any name, or a directory: then every \`*.hcl\` file directly in it, in the order of their
names. Files are HCL 2 in its native syntax. Blocks may stand in any file and any order.

- A reference names a block by type and name, \`https.github\`, \`bearer_token.github-token\`; names that are no identifiers
  are written \`https["my api"]\`. Kinds with one label are named by their kind: \`profile.default\`. The approver that is
  always there is \`builtin.dashboard\`.
- A name is unique within its kind: an endpoint and a credential may share one, two endpoints may not.
- A block on one line holds at most one attribute.
- A duration is written like \`90s\`, \`15m\` or \`1h30m\`; there is no day. A size is written like \`4096\`, \`256KiB\` or \`1MiB\`,
  in powers of 1024.
- \`<<file:NAME>>\` in an attribute marked *file* is replaced by the bytes of that file, relative to the configuration.
- Expressions may use templates and conditionals, but there are no functions and no environment variables. No secret stands in
  a configuration: credentials name secrets, and \`{{secret:NAME}}\` in the tailscale block is read when the gateway starts.

\`clawpatrol validate\` tells everything that is wrong at once, each with its place. \`config.schema.json\` beside this page
is the same reference as JSON Schema. A type that is *not served yet* is checked like the others, but \`clawpatrol gateway\`
does not start with a profile that reaches it.`

function kindSection(kind: KindModel): readonly string[] {
  const labels = kind.labels.map((label) => ` "<${label}>"`).join('')
  return [
    `## ${code(`${kind.kind}${labels}`)}`,
    `${kind.summary} ${occurs[kind.occurs]}`.trimEnd(),
    fieldTable(kind.fields),
    ...blockSections(kind.kind, kind.fields, 3),
    ...kind.types.flatMap((type) => typeSection(kind.kind, type)),
  ]
}

const occurs: { readonly [how in KindModel['occurs']]: string } = {
  once: 'Required, and only once over all files.',
  'at most once': 'Optional, at most once over all files.',
  'any number': '',
}

function typeSection(kind: string, type: TypeModel): readonly string[] {
  return [
    `### ${code(`${kind} "${type.type}"`)}`,
    `${sentence(type.summary)}${type.isServed ? '' : ` ${unserved(kind)}`}`,
    factsOf(type),
    fieldTable(type.fields),
    ...blockSections(`${kind} "${type.type}"`, type.fields, 4),
  ]
}

function unserved(kind: string): string {
  return kind === 'approver' ? '*Not asked yet: what needs it is denied.*' : '*Not served yet.*'
}

function factsOf(type: TypeModel): string {
  const lines: string[] = []
  if (type.families !== undefined) lines.push(`rules read ${type.families.map(({ name }) => code(name)).join(', ')}`)
  if (type.defaultPort !== undefined) lines.push(`port ${type.defaultPort} where a host has none`)
  if (type.targets !== undefined && type.targets.length > 0)
    lines.push(`${type.families === undefined ? 'fills in' : 'credentials fill in'} ${type.targets.join(', ')}`)
  if (type.slots !== undefined) lines.push(slotsOf(type.slots))
  if (type.disambiguators !== undefined && type.disambiguators.length > 0)
    lines.push(`picked among several by ${type.disambiguators.map(code).join(', ')}`)
  for (const { name, value } of type.variables ?? []) lines.push(`agents get ${code(`${name}=${value}`)}`)
  if (type.defaultShare !== undefined) lines.push(`share is ${code(type.defaultShare)} when it is not set`)
  return lines.map((line) => `- ${line}`).join('\n')
}

function slotsOf(slots: NonNullable<TypeModel['slots']>): string {
  if (slots.length === 0) return 'no secret to store'
  const words = slots.map(({ name, label }) => (name === '' ? label : `${code(`NAME:${name}`)} ${label}`))
  return `secrets to store: ${words.join('; ')}`
}

/** Nested blocks get tables of their own, under their path. */
function blockSections(path: string, fields: readonly FieldModel[], depth: number): readonly string[] {
  return fields.flatMap((field) => {
    const inner = field.type.kind === 'map' || field.type.kind === 'list' ? field.type.of : field.type
    if (inner.kind !== 'block' && inner.kind !== 'object') return []
    const here = `${path} › ${field.name}`
    return [
      `${'#'.repeat(depth)} ${code(here)}`,
      field.doc,
      fieldTable(inner.fields),
      ...blockSections(here, inner.fields, Math.min(depth + 1, 6)),
    ]
  })
}

function fieldTable(fields: readonly FieldModel[]): string {
  return tableOf(
    ['attribute', 'type', 'when not set', 'what it is'],
    fields.map((field) => [
      code(field.name),
      `${field.words}${field.takesFiles ? ' (*file*)' : ''}`,
      field.isRequired ? '**required**' : (field.fallback?.replace(/^"(.+)"$/, '$1') ?? '–'),
      `${field.doc}${field.example === null ? '' : ` Example: ${code(`${field.name} = ${field.example}`)}`}`,
    ]),
  )
}

function sentence(text: string): string {
  const whole = text.endsWith('.') ? text : `${text}.`
  // not the first word of a header or an attribute
  return /^[a-z]+[ ,]/.test(whole) ? `${whole.slice(0, 1).toUpperCase()}${whole.slice(1)}` : whole
}
