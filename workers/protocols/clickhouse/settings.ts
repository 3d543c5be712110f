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
    if (REWRITES.test(name)) cursor.seen.vague.add('all')
    if (!cursor.takeSymbol('=')) return
    const from = cursor.seen.columns.length
    const value = readOperand(cursor)
    cursor.seen.columns.length = from
    // A disk described on the spot may hold the data of any table.
    if (value.kind === 'call' && value.name === 'disk') seeHiddenTables(cursor.seen)
  })
}

/** Settings by which the server reads another dialect, other tables or further conditions than the text names. */
const REWRITES =
  /dialect|kusto|prql|^implicit_table_at_top_level$|^additional_(table_filters|result_filter)$|^profile$|^format_schema_source$|^parallel_replicas_custom_key$/i

function readSettingName(cursor: Cursor): string {
  let name = ''
  do {
    const token = cursor.next()
    if (token.kind !== 'word' && token.kind !== 'quoted') cursor.fail()
    name += token.value ?? ''
  } while (cursor.takeSymbol('.'))
  return name
}
