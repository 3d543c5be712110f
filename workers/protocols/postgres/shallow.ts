/** A text this short cannot nest deep enough to matter, UTF-16 units. */
const surelyShallow = 4096

/** Things standing inside each other. The printer of the parse tree recurses for each; 5,000 fit a stack of 1 MB. */
const deepest = 4000

/**
 * Whether the parse tree of a text is shallow enough to be printed. A cheap estimate that spares the time and the
 * memory of trying; what it lets through wrongly spoils one instance of the grammar and no more. Counts what can nest,
 * per pair of brackets; a list of plain expressions starts anew at each comma, so an INSERT of many rows is shallow.
 */
export function isShallow(text: string): boolean {
  if (text.length <= surelyShallow) return true
  const levels: Level[] = [{ nested: 0, isPlain: true }]
  let depth = 0
  for (const [token] of text.matchAll(interesting)) {
    const level = levels.at(-1)
    if (level === undefined) return false
    if (token === '(' || token === '[') {
      levels.push({ nested: 0, isPlain: true })
      depth++
    } else if (token === ')' || token === ']') {
      if (levels.length > 1) levels.pop()
      depth -= level.nested + 1
    } else if (token === ',') {
      if (!level.isPlain) continue
      depth -= level.nested
      level.nested = 0
    } else if (token === ';') {
      if (levels.length > 1) continue
      level.nested = 0
      level.isPlain = true
      depth = 0
    } else if (!token.startsWith("'")) {
      level.nested++
      depth++
      if (clause.test(token)) level.isPlain = false
    }
    if (depth > deepest) return false
  }
  return true
}

interface Level {
  nested: number
  /** Whether it is a list of expressions without a clause between. */
  isPlain: boolean
}

const interesting =
  /'[^']*'|[()[\],;]|[-+*/<>=~!@#%^&|`?:]+|\b(?:not|union|intersect|except|join|is|in|i?like|similar|between|collate|at|case|select|if|loop|begin)\b/gi

const clause = /^(?:union|intersect|except|join|select)$/i
