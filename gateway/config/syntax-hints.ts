/**
 * What to write instead, for usual slips that the parser tells in its own words.
 * @param summary the parser's name for it
 * @param line the line it is on
 */
export function syntaxHint(summary: string, line: string): string | undefined {
  const isCondition = /^\s*condition\s*=/.test(line)
  switch (summary) {
    case 'Invalid multi-line string':
      return 'a quote is not closed on this line'
    case 'Missing newline after argument':
      return isCondition ? "inside the quotes of a condition, text stands in single quotes: 'GET'" : undefined
    case 'Invalid character':
      if (isCondition && /=\s*[^"<\s]/.test(line)) return 'put the whole condition in double quotes'
      return undefined
    case 'Invalid escape sequence':
      return isCondition
        ? 'write [0-9] for \\d and [.] for \\., or the condition as a heredoc: <<-CEL'
        : 'write \\\\ for a backslash'
    case 'Argument or block definition required':
      if (/^\s*[\w-]+\s*:/.test(line)) return 'write NAME = VALUE'
      return /^\s*\{/.test(line) ? 'this is not JSON: write gateway { … }' : undefined
    case 'Missing key/value separator':
      return /\{\s*$/.test(line) ? 'a block is written without the equals sign: gateway { … }' : undefined
    default:
      return undefined
  }
}
