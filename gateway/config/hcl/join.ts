import type { Scope } from './parse.ts'
import type { PlainParts } from './plain.ts'
import type { Body, Reference } from './syntax.ts'

/** What a block is called by others: kind, first of two labels or nothing, name. */
type Name = readonly [kind: string, label: string, name: string]

/** Everything the blocks of a body declare. */
export function namesOf({ blocks }: Body, references: Scope['references']): Name[] {
  return blocks.flatMap(({ type, labels }): Name[] => {
    const wanted = Object.hasOwn(references, type) ? references[type] : undefined
    if (wanted === undefined || labels.length !== wanted) return []
    return [[type, wanted === 2 ? (labels[0]?.name ?? '') : '', labels[wanted - 1]?.name ?? '']]
  })
}

/**
 * Puts the plain parts of files together with the rest, and closes references.
 * @returns null when one cannot be closed, or when anything depends on an order that was lost
 */
export function joinParts(parts: readonly PlainParts[], rest: readonly Body[], { references }: Scope): Body[] | null {
  const declared = new Map<string, Reference>([[keyOf('builtin', 'dashboard'), { kind: 'approver', type: 'builtin' }]])
  const bodies: Body[] = []
  for (const [index, { body }] of parts.entries()) {
    const other = rest[index] ?? { attributes: [], blocks: [] }
    for (const [kind, type, name] of [...namesOf(body, references), ...namesOf(other, references)]) {
      const key = keyOf(type === '' ? kind : type, name)
      const known = declared.get(key)
      if (known !== undefined && (known.kind !== kind || known.type !== type)) return null
      declared.set(key, { kind, type })
    }
    const attributes = [...body.attributes, ...other.attributes].sort((a, b) => a.at[0] - b.at[0])
    if (new Set(attributes.map(({ name }) => name)).size < attributes.length) return null
    bodies.push({ attributes, blocks: [...body.blocks, ...other.blocks].sort((a, b) => a.at[0] - b.at[0]) })
  }
  for (const { object, name, close } of parts.flatMap(({ open }) => open)) {
    const reference = declared.get(keyOf(object, name))
    if (reference === undefined) return null
    close(reference)
  }
  return bodies
}

function keyOf(object: string, name: string): string {
  return `${object}\n${name}`
}
