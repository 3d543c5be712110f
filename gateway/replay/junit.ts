import { type FixtureResult, gotOf } from './run.ts'

/**
 * A run as a JUnit report, which CI servers show.
 * @param seconds how long the whole run took
 */
export function junitReport(config: string, results: readonly FixtureResult[], seconds: number): string {
  const errors = results.filter(({ kind }) => kind === 'error').length
  const failures = results.filter(({ kind }) => kind === 'mismatch').length
  const counts = `tests="${results.length}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="clawpatrol" ${counts}>`,
    `  <testsuite name="${escaped(config)}" ${counts}>`,
    ...results.map((result) => `    ${caseOf(config, result)}`),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function caseOf(config: string, result: FixtureResult): string {
  const open = `<testcase name="${escaped(result.path)}" classname="${escaped(config)}"`
  switch (result.kind) {
    case 'ok':
      return `${open}/>`
    case 'error':
      return `${open}><error message="${escaped(result.problems.join('; '))}"/></testcase>`
    case 'mismatch': {
      const { want, outcome } = result
      const got = gotOf(outcome)
      const message = `want ${want.verdict} by rule ${JSON.stringify(want.rule ?? '')}, got ${got.verdict} by rule ${JSON.stringify(got.rule)} on ${got.endpoint}`
      return `${open}><failure message="${escaped(message)}">${escaped(outcome.reason ?? '')}</failure></testcase>`
    }
    default:
      return result satisfies never
  }
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
}

/** Text for an attribute or an element; characters XML 1.0 does not have become U+FFFD. */
function escaped(text: string): string {
  // half a surrogate pair becomes U+FFFD on the way through bytes
  const whole = Buffer.from(text).toString()
  return (
    whole
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no control characters
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"\n\r\t]/g, (character) => entities[character] ?? character)
  )
}
