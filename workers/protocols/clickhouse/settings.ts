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
    if (changesReading(name)) cursor.seen.vague.add('all')
    const hasValue = cursor.takeSymbol('=')
    if (!hasValue) {
      cursor.seen.settings.push([name, '1'])
      return
    }
    const from = cursor.seen.columns.length
    const literal = literalNext(cursor)
    const value = readOperand(cursor)
    cursor.seen.columns.length = from
    cursor.seen.settings.push([name, cursor.peek().start === literal?.next ? literal.value : null])
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

/** Whether a setting of this name has the server read other than the text says, wherever it is given. */
export function changesReading(name: string): boolean {
  return REWRITES.test(name)
}

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
