import { type AnalysedStatement, effectFacts } from '../../contract/sql.ts'
import { Cursor } from './cursor.ts'
import { NotUnderstood, nextToken, type Token } from './lexer.ts'
import { readStatement } from './read-statement.ts'
import { emptySeen, type Seen, type Vague } from './seen.ts'

/** Every statement of a text with what it was seen to do; never throws. */
export function parseText(text: string): readonly AnalysedStatement[] {
  const found: Found[] = []
  let isSplit = true
  let isForeign = false
  for (let from = 0; ; ) {
    const start = skipSemicolons(text, from)
    if (start === null) isSplit = false
    if (start === null || start >= text.length) {
      if (start === null) found.push({ verb: null, seen: emptySeen(), start: from, end: text.length })
      break
    }
    if (found.length >= MAX_STATEMENTS) {
      isSplit = false
      found.push({ verb: null, seen: emptySeen(), start, end: text.length })
      break
    }
    const one = readFrom(text, start)
    isForeign ||= one.seen.vague.has('all')
    // Once the dialect may have changed, `;` need not part statements any more.
    if (isForeign || one.end === null) {
      isSplit = one.end !== null && !isForeign
      found.push({ ...one, verb: isForeign ? null : one.verb, end: text.length })
      if (isForeign && one.end !== null && /\S/.test(text.slice(one.end).replace(/^\s*;/, ''))) isSplit = false
      break
    }
    found.push({ ...one, end: one.end })
    from = one.end
  }
  return found.map((one) => describe(text, one, found.length, isSplit))
}

/** The server itself runs one statement of a text; clients split what they are given. */
const MAX_STATEMENTS = 1000

interface Found {
  /** null: not understood. */
  readonly verb: string | null
  readonly seen: Seen
  readonly start: number
  readonly end: number
}

function skipSemicolons(text: string, from: number): number | null {
  let token: Token | null = null
  try {
    do token = nextToken(text, token?.end ?? from, null)
    while (token.kind === 'symbol' && token.value === ';')
    return token.start
  } catch (error) {
    return onlyNotUnderstood(error)
  }
}

function readFrom(text: string, start: number): Omit<Found, 'end'> & { readonly end: number | null } {
  const cursor = new Cursor(text)
  cursor.restart(start)
  try {
    const { verb, endsText } = readStatement(cursor)
    return { verb, seen: cursor.seen, start, end: endsText ? text.length : cursor.peek().start }
  } catch (error) {
    onlyNotUnderstood(error)
    return { verb: null, seen: cursor.seen, start, end: nextSemicolon(text, start) }
  }
}

/** A RangeError is text nested beyond the stack; anything else would be a fault of ours, and is unknown just the same. */
function onlyNotUnderstood(error: unknown): null {
  if (error instanceof NotUnderstood || error instanceof Error) return null
  throw error
}

/** Where a statement that was not understood would end; null when not even its tokens are clear. */
function nextSemicolon(text: string, start: number): number | null {
  try {
    let token = nextToken(text, start, null)
    while (token.kind !== 'end' && !(token.kind === 'symbol' && token.value === ';')) {
      token = nextToken(text, token.end, token)
    }
    return token.start
  } catch (error) {
    return onlyNotUnderstood(error)
  }
}

function describe(text: string, one: Found, count: number, isSplit: boolean): AnalysedStatement {
  const { seen, verb } = one
  const isUnknown = (path: Vague): boolean => verb === null || seen.vague.has('all') || seen.vague.has(path)
  const known = (path: Vague, names: readonly string[]): readonly string[] => (isUnknown(path) ? [] : sorted(names))
  const settings = settingsOf(seen)
  const unknowns = [
    ...(isUnknown('verb') ? ['verb'] : []),
    ...effectFacts.filter(isUnknown),
    ...(verb === null || isUnknown('verb') || settings === null ? ['settings'] : []),
    ...(isSplit ? [] : ['statement_count']),
  ]
  return {
    facts: {
      verb: isUnknown('verb') ? '' : (verb ?? ''),
      verbs: known('verbs', seen.verbs),
      tables: known('tables', seen.tables),
      target_tables: known('target_tables', seen.targets),
      columns: known('columns', isUnknown('columns') ? [] : columnNames(seen)),
      functions: known(
        'functions',
        seen.functions.map((name) => name.toLowerCase()),
      ),
      statement: text.slice(one.start, one.end).trim(),
      is_write: !isUnknown('is_write') && seen.isWrite,
      is_unqualified: !isUnknown('is_unqualified') && seen.isUnqualified,
      uses_program: !isUnknown('uses_program') && seen.usesProgram,
      statement_count: count,
      ...(settings === null || verb === null || seen.settings.length === 0 ? {} : { settings }),
    },
    unknowns: unknowns.map((path) => ({ path: `sql.${path}`, because: 'unparsed' as const })),
  }
}

/** Settings by name; null: one is no literal, or is given twice and not alike. */
function settingsOf({ settings }: Seen): { readonly [name: string]: string } | null {
  const values = new Map<string, string>()
  for (const [name, value] of settings) {
    if (value === null || (values.get(name) ?? value) !== value) return null
    values.set(name, value)
  }
  return Object.fromEntries(values)
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

/** Columns without their tables. What qualifies a column but is no table here is a column itself: `tuple.member`. */
function columnNames(seen: Seen): readonly string[] {
  const qualifiers = new Set(seen.qualifiers)
  const names: string[] = []
  for (const parts of seen.columns) {
    let first = 0
    for (; first < parts.length - 1 && qualifiers.has(parts[first] ?? ''); first += 1)
      if (seen.aliases.has(parts[first] ?? '')) names.push(parts[first] ?? '', parts.join('.'))
    names.push(parts.slice(first).join('.'))
    if (parts.length - first > 1) names.push(...parts.slice(first))
    // `ssn.name` in quotes is a member of ssn, too.
    for (const part of parts.slice(first)) if (part.includes('.')) names.push(...part.split('.'))
  }
  return names
}
