import type { AnalysedStatement, AnalyseSql } from '../../contract/sql.ts'
import { unseenStatement } from '../../wire/sql/unseen-statement.ts'
import { toFacts } from './effects.ts'
import { verbOf } from './note-statement.ts'
import { loadParser, type Parser } from './parser.ts'
import { pieces } from './pieces.ts'
import { readStatement } from './read-statement.ts'
import { replicationCommand } from './replication.ts'
import { forgetPrepared, newSource } from './source.ts'

/** Text longer than this is not taken apart, UTF-16 units. 20,000 rows of VALUES cost 115 ms. */
const longestText = 256 * 1024

/** A text of more statements is not taken apart; each of them is judged. */
const mostStatements = 2000

const loneSurrogate = /\p{Surrogate}/u

/**
 * Loads PostgreSQL's own grammar and gives the analyser of its SQL. What a statement sets off without saying so
 * (triggers, rules, defaults, cascades of foreign keys, views and the bodies of functions it calls) is not in the facts;
 * a call of a function that is not PostgreSQL's own leaves `is_write` unknown. Names mean what PostgreSQL itself gives
 * them: operators, casts and checks of domains of one's own are not seen, nor a function of one's own put before
 * PostgreSQL's, or called as if it were a column (`orders.price_with_tax`); making one is. A cursor's query is
 * seen where it is declared. It is for servers that read text as UTF-8 and with standard_conforming_strings; a statement
 * that would change that leaves everything unknown, and whoever relays a session watches what the server reports.
 */
export async function loadAnalyser(): Promise<AnalyseSql> {
  const parser = await loadParser()
  return (text) => {
    try {
      return analyse(text, parser)
    } catch {
      return [unsplit(text)]
    }
  }
}

function analyse(text: string, parser: Parser): readonly AnalysedStatement[] {
  if (text.trim() === '') return []
  // the grammar ends at a NUL, and half a surrogate pair reaches the server as something else
  if (text.includes('\0') || loneSurrogate.test(text) || text.length > longestText) return [unsplit(text)]
  const command = replicationCommand(text)
  if (command !== null)
    return [
      unseenStatement(
        { statement: text.trim(), verb: command },
        ['verb', 'statement', 'statement_count', 'settings'],
        'unparsed',
      ),
    ]
  const parts = pieces(text, parser)
  if (parts === null || parts.length > mostStatements) return [unsplit(text)]
  const source = newSource(parser, readStatement)
  const read = parts.map(({ tree, text: own }) => {
    if (tree === null) return null
    const effects = readStatement(tree, own, source)
    // what is prepared does not run yet
    if (verbOf(tree) !== 'prepare') forgetPrepared(source, effects)
    return effects
  })
  const isReadable = !read.some((effects) => effects?.changesLexing === true)
  return parts.map(({ tree, text: own }, index) => {
    const effects = read[index] ?? null
    return tree === null || effects === null || !isReadable
      ? unseenStatement(
          { statement: own, statement_count: parts.length },
          ['statement', 'statement_count', 'settings'],
          'unparsed',
        )
      : toFacts(effects, verbOf(tree), own, parts.length)
  })
}

/** A text of which not even the statements are known. */
function unsplit(text: string): AnalysedStatement {
  return unseenStatement({ statement: text }, ['statement', 'settings'], 'unparsed')
}
