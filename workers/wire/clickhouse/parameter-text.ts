import type { Setting } from './settings.ts'

/**
 * The values of a query's parameters by name, as text.
 * null: for one of them it cannot be told which value the server takes: what it finds in the literal it reads once more,
 * by the type of the parameter, where a backslash means this or that.
 */
export function parameterTexts(parameters: readonly Setting[]): ReadonlyMap<string, string> | null {
  const texts = new Map<string, string>()
  for (const { name, flags, value } of parameters) {
    const text = flags === custom ? unquoted(value) : null
    if (text === null || text.includes('\\') || texts.has(name)) return null
    texts.set(name, text)
  }
  return texts
}

/** Whether a value is one literal that every server reads to its end. */
export function isQuoted(value: string): boolean {
  return unquoted(value) !== null
}

/** Flag of what is the user's own: other parameters a server ignores, or takes for settings of its own. */
const custom = 2

const escapes: { readonly [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  0: '\0',
  '\\': '\\',
  "'": "'",
}

/** The text in a literal; null: it is not one, or has an escape that is read in more than one way. */
function unquoted(literal: string): string | null {
  if (!/^'(?:[^'\\]|\\[bfnrt0\\'])*'$/s.test(literal)) return null
  return literal.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? '')
}
