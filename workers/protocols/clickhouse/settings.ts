import type { Cursor } from './cursor.ts'
import { readParameter } from './names.ts'
import { readOperand } from './operand.ts'
import { seeHiddenTables } from './seen.ts'

/** `a = 1, b = 'x', c = DEFAULT, d` after SETTINGS or SET. */
export function readSettings(cursor: Cursor): void {
  cursor.list(() => {
    if (cursor.isSymbol('{')) {
      readParameter(cursor)
      if (cursor.takeSymbol('=')) readOperand(cursor)
      cursor.seen.vague.add('all')
      return
    }
    const name = readSettingName(cursor)
    const note = (value: string | null) => {
      if (changesReading(name, value)) cursor.seen.vague.add('all')
      cursor.seen.settings.push([name, value])
    }
    const hasValue = cursor.takeSymbol('=')
    if (!hasValue) {
      note('1')
      return
    }
    const from = cursor.seen.columns.length
    const literal = literalNext(cursor)
    const value = readOperand(cursor)
    cursor.seen.columns.length = from
    note(cursor.peek().start === literal?.next ? literal.value : null)
    // A disk described on the spot may hold the data of any table.
    if (value.kind === 'call' && value.name === 'disk') seeHiddenTables(cursor.seen)
  })
}

/** A literal as a setting holds it, and where what follows it begins; null: something else comes. */
function literalNext(cursor: Cursor): { readonly value: string | null; readonly next: number } | null {
  const isNegative = cursor.isSymbol('-')
  const at = isNegative ? 1 : 0
  const token = cursor.peek(at)
  const next = () => cursor.peek(at + 1).start
  if (token.kind === 'number')
    return { value: `${isNegative ? '-' : ''}${cursor.text.slice(token.start, token.end)}`, next: next() }
  if (isNegative) return null
  if (token.kind === 'text') return { value: token.value, next: next() }
  const truth = token.kind === 'word' ? TRUTHS[token.value ?? ''] : undefined
  return truth === undefined ? null : { value: truth, next: next() }
}

const TRUTHS: { readonly [word: string]: string } = { TRUE: '1', FALSE: '0' }

/**
 * Whether a setting has the server read other than the text says, wherever it is given.
 * @param value null: it cannot be told
 */
export function changesReading(name: string, value: string | null): boolean {
  return REWRITES.test(name) || (/^max_query_size$/i.test(name) && !(value !== null && BOUND.test(value)))
}

/** Without a bound the server runs what it has of a text that comes in pieces, and never reads the others. */
const BOUND = /^[1-9]\d{0,18}$/

/** Settings by which the server reads another dialect, other tables or further conditions than the text names. */
const REWRITES =
  /dialect|kusto|prql|^implicit_table_at_top_level$|^additional_(table_filters|result_filter)$|^profile$|^format_schema_source$|^parallel_replicas_custom_key$/i

function readSettingName(cursor: Cursor): string {
  let name = ''
  do {
    const token = cursor.next()
    if (token.kind !== 'word' && token.kind !== 'quoted') cursor.fail()
    // a keyword's value is in upper case, and names of settings are not folded
    name += token.kind === 'word' ? cursor.text.slice(token.start, token.end) : (token.value ?? '')
    if (cursor.isSymbol('.')) name += '.'
  } while (cursor.takeSymbol('.'))
  return name
}
