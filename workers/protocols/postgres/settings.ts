import { asList, asNode, type Node, textOf } from './node.ts'

/** Values under which the server reads text as this analyser does; any other value of these settings, and it may not. */
const safeValues: { readonly [setting: string]: RegExp } = {
  standard_conforming_strings: /^(on|true|yes|1|t|tr|tru|y|ye)$/i,
  backslash_quote: /^(off|false|no|0|safe_encoding)$/i,
  client_encoding: /^(utf-?8|unicode)$/i,
}

/** Whether setting a parameter to this value makes the server read later texts otherwise; null: a value not seen. */
export function isLexingChange(name: string, value: string | null): boolean {
  const safe = safeValues[name.toLowerCase()]
  return safe !== undefined && (value === null || !safe.test(value.trim()))
}

/** Whether a SET makes the server read later texts in another way than this analyser does. */
export function changesLexing(node: Node): boolean {
  if (node.kind !== 'VAR_SET_VALUE' || typeof node.name !== 'string') return false
  return isLexingChange(node.name, settingValue(node))
}

function settingValue(node: Node): string | null {
  const values = asList(node.args)
  const first = values[0]
  if (values.length !== 1 || first === undefined) return null
  const integer = asNode(asNode(asNode(first)?.A_Const)?.ival)
  return integer === null ? textOf(first) : String(integer.ival ?? 0)
}
