import type { SettingsProblem } from '../../workers/contract/plugin.ts'
import { type Decodable, spanAt } from './decode.ts'
import type { Report } from './diagnostics.ts'

/**
 * Reports what a definition's own check found, at the attributes it names.
 * @param title put before each message; '' when they say themselves what they are about
 * @returns whether there was an error among it
 */
export function noteProblems(
  report: Report,
  from: Decodable,
  problems: readonly SettingsProblem[],
  title = '',
): boolean {
  for (const { path, message, severity } of problems) {
    const spot = { file: from.file, span: spanAt(from, path) }
    const text = title === '' ? message : `${title}: ${message}`
    if (severity === 'warning') report.warn(spot, text)
    else report.error(spot, text)
  }
  return problems.some(({ severity }) => severity !== 'warning')
}
