import { rename, writeFile } from 'node:fs/promises'
import type { Outcome } from './judge-described.ts'
import { type FixtureFile, type FixtureResult, gotOf } from './run.ts'

/**
 * Writes what was got into the fixtures that wanted something else; those with errors stay as they are.
 * @returns the paths that were written
 */
export async function updateFixtures(
  files: readonly FixtureFile[],
  results: readonly FixtureResult[],
): Promise<ReadonlySet<string>> {
  const updated = new Set<string>()
  for (const [at, result] of results.entries()) {
    const { content, path } = files[at] ?? { content: null, path: '' }
    if (result.kind !== 'mismatch' || typeof content !== 'string') continue
    const next = `${path}.new`
    await writeFile(next, updatedText(content, result.outcome))
    await rename(next, path)
    updated.add(path)
  }
  return updated
}

/** The text of a fixture with what was got as its match; everything else as it was. */
export function updatedText(content: string, outcome: Omit<Outcome, 'parts'>): string {
  const value = JSON.parse(content.replace(/^\ufeff/, '')) as { match: { [name: string]: unknown } }
  const { verdict, rule, endpoint } = gotOf(outcome)
  const { match } = value
  match.verdict = verdict
  if (rule !== '' || match.rule !== undefined) match.rule = rule
  if (typeof match.endpoint === 'string' && match.endpoint !== '') match.endpoint = endpoint
  if (outcome.reason === null) delete match.reason
  else match.reason = outcome.reason
  return `${JSON.stringify(value, null, 2)}\n`
}
