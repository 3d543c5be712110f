import type { Family } from '../../workers/contract/plugin.ts'
import { didYouMean } from './suggest.ts'

/**
 * What to write instead, where a mistake in a condition is one of the usual ones.
 * @param message what was found wrong with it
 * @param start where, in UTF-16 units
 */
export function hintForCondition(
  source: string,
  message: string,
  start: number,
  families: readonly Family[],
): string | undefined {
  if (/^expected |^unexpected /.test(message)) return operatorAt(source, start)
  const field = /^(\w+) has no field (\w+)/.exec(message)
  if (field !== null) return memberLike(families, field[2] ?? '', field[1])
  const variable = /^unknown variable: (\w+)/.exec(message)?.[1]
  if (variable !== undefined) return memberLike(families, variable)
  const unknown = /^found no matching overload for '(?:[^']*\.)?(\w+)\(/.exec(message)?.[1]
  if (unknown !== undefined) return functions.includes(unknown) ? undefined : didYouMean(unknown, functions)
  if (/^bad regular expression: .*\(\?<?[!=]/.test(message))
    return 'there is no look-ahead: match what is wanted, and negate another match with !'
  if (/^no such overload: list<string> [=!]= string/.test(message))
    return `it is a list: write ${listTest(source.slice(start))}`
  if (/^invalid escape sequence/.test(message)) return "write [0-9] for \\d and [.] for \\., or the text as r'…'"
  return undefined
}

/** Signs and words other languages have for what CEL writes otherwise. */
const operators: readonly (readonly [written: RegExp, meant: string])[] = [
  [/\band\b/y, '&&'],
  [/\bor\b/y, '||'],
  [/\bnot\b/y, '!'],
  [/&(?!&)/y, '&&'],
  [/\|(?!\|)/y, '||'],
  [/=~/y, '.matches(…)'],
  [/=(?!=)/y, '=='],
  [/<>/y, '!='],
]

/** The mistake is where the parser gave up: at the operator, or a word after its begin. */
function operatorAt(source: string, start: number): string | undefined {
  const wordStart = start - (/\w*$/.exec(source.slice(0, start))?.[0].length ?? 0)
  for (const at of [start, wordStart]) {
    for (const [written, meant] of operators) {
      written.lastIndex = at
      if (written.test(source)) return `write ${meant}`
    }
  }
  return undefined
}

function memberLike(families: readonly Family[], written: string, of?: string): string | undefined {
  const other = synonyms.get(written)
  for (const { name, facts } of families) {
    if (of !== undefined && of !== name) continue
    const names = facts.map((fact) => fact.name)
    const meant = names.includes(written) ? written : other !== undefined && names.includes(other) ? other : undefined
    if (meant !== undefined) return `write ${name}.${meant}`
    const near = of === undefined ? undefined : didYouMean(written, names)
    if (near !== undefined) return near
  }
  return of === undefined
    ? didYouMean(
        written,
        families.map(({ name }) => name),
      )
    : undefined
}

const synonyms: ReadonlyMap<string, string> = new Map([
  ['url', 'path'],
  ['uri', 'path'],
  ['verb', 'method'],
  ['header', 'headers'],
  ['hostname', 'host'],
  ['json', 'body_json'],
  ['params', 'query'],
  ['query', 'statement'],
  ['table', 'tables'],
  ['operation', 'verb'],
  ['kind', 'resource'],
  ['cmd', 'command'],
])

const functions =
  'contains startsWith endsWith matches size has all exists exists_one map filter lowerAscii upperAscii split replace substring trim join indexOf lastIndexOf charAt format rate getHours getMinutes getDayOfWeek'.split(
    ' ',
  )

/** How a list that is compared with text is tested instead. */
function listTest(written: string): string {
  const [list, map, key] = /^([\w.]+)\[([^\]]*)\]/.exec(written)?.slice(0, 3) ?? []
  if (list !== undefined) return `${key} in ${map} && 'value' in ${list}`
  const [plain, of, name] = /^(\w+\.\w+)\.(\w+)/.exec(written)?.slice(0, 3) ?? []
  return plain === undefined ? "'value' in it" : `'${name}' in ${of} && 'value' in ${plain}`
}
