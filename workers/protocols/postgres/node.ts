/** A node of PostgreSQL's parse tree, as libpg_query prints it. */
export type Node = { readonly [key: string]: unknown }

/** The value as a node; null for anything else. */
export function asNode(value: unknown): Node | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : null
}

/** Every object in there, whatever it is, with the member it stands under. */
export function* nodesIn(root: unknown): Generator<readonly [key: string, node: Node]> {
  const left: (readonly [string, unknown])[] = [['', root]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [under, value] = next
    if (Array.isArray(value)) {
      for (const item of value) left.push([under, item])
      continue
    }
    const node = asNode(value)
    if (node === null) continue
    yield [under, node]
    for (const key in node) if (typeof node[key] === 'object') left.push([key, node[key]])
  }
}

/** The value as a list; empty for anything else. A `List` node counts as its items. */
export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const list = asNode(asNode(value)?.List)
  return list !== null && Array.isArray(list.items) ? list.items : []
}

/** The node of that kind the value wraps: `{ String: {…} }` for `String`. */
export function unwrap(value: unknown, kind: string): Node | null {
  return asNode(asNode(value)?.[kind])
}

/** Kind of a wrapped node: `SelectStmt`; null where the tree names no kind. */
export function kindOf(node: Node): string | null {
  let kind: string | null = null
  for (const key in node) {
    if (kind !== null) return null
    kind = key
  }
  return kind !== null && kind.charCodeAt(0) <= 90 && asNode(node[kind]) !== null ? kind : null
}

/** Text of a `String` node, or of an `A_Const` that is a string; null for anything else. */
export function textOf(value: unknown): string | null {
  const string = unwrap(value, 'String')
  // an empty string is printed as a node without members
  if (string !== null) return typeof string.sval === 'string' ? string.sval : ''
  const constant = unwrap(value, 'A_Const')
  if (constant === null || asNode(constant.sval) === null) return null
  const text = asNode(constant.sval)?.sval
  return typeof text === 'string' ? text : ''
}

/** The parts of a dotted name; null when one of them is not a plain name. */
export function nameParts(value: unknown): readonly string[] | null {
  const parts: string[] = []
  for (const item of asList(value)) {
    const part = textOf(item)
    if (part === null) return null
    parts.push(part)
  }
  return parts.length === 0 ? null : parts
}

/** The `DefElem` of that name among options, the last one written. */
export function option(options: unknown, name: string): Node | null {
  let found: Node | null = null
  for (const item of asList(options)) {
    const element = unwrap(item, 'DefElem')
    if (element?.defname === name) found = element
  }
  return found
}
