import type { Cursor } from './cursor.ts'
import { readParameter } from './names.ts'
import { readOperand } from './operand.ts'

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
    readOperand(cursor)
    cursor.seen.columns.length = from
  })
}

/** Settings by which the server reads another dialect, other tables or further conditions than the text names. */
const REWRITES =
  /dialect|kusto|prql|^implicit_table_at_top_level$|^additional_(table_filters|result_filter)$|^profile$/i

function readSettingName(cursor: Cursor): string {
  let name = ''
  do {
    const token = cursor.next()
    if (token.kind !== 'word' && token.kind !== 'quoted') cursor.fail()
    name += token.value ?? ''
  } while (cursor.takeSymbol('.'))
  return name
}
