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
    // Another dialect: what the server reads after this is not this grammar.
    if (/dialect|kusto|prql|^implicit_select$/i.test(name)) cursor.seen.vague.add('all')
    if (!cursor.takeSymbol('=')) return
    // A setting may hold SQL of its own: a filter, a table to read, a query to run.
    const from = cursor.seen.columns.length
    readOperand(cursor)
    cursor.seen.columns.length = from
    if (/^additional_(table_filters|result_filter)$/i.test(name))
      for (const set of SQL_INSIDE) cursor.seen.vague.add(set)
  })
}

const SQL_INSIDE = ['tables', 'columns', 'functions'] as const

function readSettingName(cursor: Cursor): string {
  let name = ''
  do {
    const token = cursor.next()
    if (token.kind !== 'word' && token.kind !== 'quoted') cursor.fail()
    name += token.value ?? ''
  } while (cursor.takeSymbol('.'))
  return name
}
