import { hideAll } from './effects.ts'
import { readNestedText } from './nested-text.ts'
import type { Token } from './parser.ts'
import type { Walk } from './walk.ts'

/**
 * Adds what the first values of variables do. The parser prints them for variables of simple types only: of
 * `r customers := (SELECT c FROM customers c)` it says nothing. Read wherever a DECLARE may stand, so rather twice than
 * not at all.
 */
export function readFirstValues(code: string, walk: Walk): void {
  const scanned = walk.source.parser.scan(code)
  if (scanned === null) {
    hideAll(walk.effects)
    return
  }
  const tokens = scanned.filter(({ text }) => !text.startsWith('--') && !text.startsWith('/*'))
  const bytes = Buffer.from(code, 'utf8')
  let isDeclaring = false
  for (const declaration of parts(tokens)) {
    for (const [index, token] of declaration.entries()) {
      if (isWord(token, 'declare')) isDeclaring = true
      else if (isDeclaring && isWord(token, 'begin') && startsPart(declaration, index)) isDeclaring = false
      else if (isDeclaring && assigns(token)) {
        const last = declaration.at(-1) ?? token
        readNestedText(`SELECT ${bytes.toString('utf8', token.end, last.end)}\n`, walk)
        break
      }
    }
  }
}

/** What stands between semicolons. */
function parts(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const found: Token[][] = [[]]
  for (const token of tokens) {
    if (token.text === ';') found.push([])
    else found.at(-1)?.push(token)
  }
  return found
}

/** Whether nothing precedes it but DECLARE: elsewhere `begin` may be a name. */
function startsPart(declaration: readonly Token[], index: number): boolean {
  const before = declaration[index - 1]
  return before === undefined || isWord(before, 'declare')
}

function assigns(token: Token): boolean {
  return token.text === ':=' || token.text === '=' || isWord(token, 'default')
}

function isWord(token: Token, word: string): boolean {
  return token.text.toLowerCase() === word
}
