/** What calling a function may do to the database by itself. */
export type FunctionEffect = 'reads' | 'writes' | 'unknown'

/** @param parts its name as written, schema first */
export function functionEffect(parts: readonly string[]): FunctionEffect {
  const name = parts.at(-1) ?? ''
  if (writing.has(name)) return 'writes'
  return 'reads'
}

const writing = new Set(['nextval', 'setval', 'set_config', 'dblink_exec'])
