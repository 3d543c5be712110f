/**
 * Splits what stands between a type's brackets at its commas.
 * null: brackets or quotes that do not match, an empty argument, or none.
 */
export function splitArguments(text: string): readonly string[] | null {
  const list: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]
    if (letter === "'" || letter === '`') {
      at = closing(text, at)
      if (at === -1) return null
    } else if (letter === '(') depth += 1
    else if (letter === ')' && depth === 0) return null
    else if (letter === ')') depth -= 1
    else if (letter === ',' && depth === 0) {
      // as ClickHouse writes them: with one space after each comma
      if (text[at + 1] !== ' ') return null
      list.push(text.slice(from, at))
      from = at + 2
    }
  }
  list.push(text.slice(from))
  return depth === 0 && list.every((each) => each !== '') ? list : null
}

/** Where the quotes opened at a place are closed; -1: nowhere. */
function closing(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === text[open]) return at
  }
  return -1
}
