import type { Effects } from './effects.ts'
import { asList, type Node, textOf } from './node.ts'

/** Whether a setting of this name is the search path. */
export function isSearchPath(name: unknown): boolean {
  return typeof name === 'string' && name.toLowerCase() === 'search_path'
}

/** Notes what is put into the search path; null: it cannot be told. */
export function notePath(schemas: readonly string[] | null, effects: Effects): void {
  if (schemas === null) effects.hidesSchemas = true
  else for (const schema of schemas) effects.schemas.add(schema)
}

/** The schemas a SET of the search path names, each value one of them; null: not all are constants. */
export function schemasSet(node: Node): readonly string[] | null {
  // RESET and DEFAULT lead back to what the session began with
  if (node.kind !== 'VAR_SET_VALUE') return []
  const schemas = asList(node.args).map(textOf)
  return schemas.every((schema) => schema !== null) ? schemas : null
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
