import type { Effects } from './effects.ts'
import { asList, type Node, textOf } from './node.ts'

/** Settings by which names without a schema find others: the path itself, and who is `"$user"` in it. */
const deciding: ReadonlySet<string> = new Set(['search_path', 'role', 'session_authorization'])

/** Whether a setting of this name says where names without a schema are looked up. */
export function setsPath(name: unknown): boolean {
  return typeof name === 'string' && deciding.has(name.toLowerCase())
}

/** Notes what is put into the search path; null: it cannot be told. */
export function notePath(schemas: readonly string[] | null, effects: Effects): void {
  if (schemas === null) effects.hidesSchemas = true
  else for (const schema of schemas) effects.schemas.add(schema)
}

/** The schemas such a SET names, each value one of them; null: not all are constants. */
export function schemasSet(node: Node): readonly string[] | null {
  // RESET and DEFAULT lead back to what the session began with
  if (node.kind !== 'VAR_SET_VALUE') return []
  const schemas = asList(node.args).map(textOf)
  if (!schemas.every((schema) => schema !== null)) return null
  return isNobody(String(node.name), schemas[0] ?? '') ? [] : schemas
}

/** The schemas that the text of such a setting names; null: it is not known, or no list. */
export function schemasOf(name: string, text: string | null): readonly string[] | null {
  if (name.toLowerCase() === 'search_path') return schemasListed(text)
  if (text === null) return null
  return isNobody(name, text) ? [] : [text]
}

/** Whether it is SET ROLE NONE. */
function isNobody(name: string, value: string): boolean {
  return name.toLowerCase() === 'role' && value === 'none'
}

// spaces of ASCII alone are spaces to the server
const identifier = /^[ \t\n\r\f\v]*(?:"((?:[^"]|"")*)"|([^ \t\n\r\f\v",][^ \t\n\r\f\v,]*))[ \t\n\r\f\v]*(?:,|$)/

/** The schemas in the text of a search path, as `SHOW search_path` prints it; null: it is not known, or no list. */
export function schemasListed(text: string | null): readonly string[] | null {
  if (text === null) return null
  const schemas: string[] = []
  let rest = text.replace(/^[ \t\n\r\f\v]+$/, '')
  while (rest !== '') {
    const found = identifier.exec(rest)
    if (found === null) return null
    schemas.push(
      found[1]?.replaceAll('""', '"') ?? (found[2] ?? '').replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    )
    rest = rest.slice(found[0].length)
  }
  return schemas
}
