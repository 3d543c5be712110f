import { visible } from '../cli/visible.ts'
import { type FixtureResult, type Got, gotOf } from './run.ts'

/** The report of a run, one line each, whatever paths and problems hold. */
export function reportLines(
  results: readonly FixtureResult[],
  updated: ReadonlySet<string> = new Set(),
): readonly string[] {
  const failed = results.filter(({ kind, path }) => kind !== 'ok' && !updated.has(path)).length
  return [
    ...results.flatMap((result) =>
      updated.has(result.path) ? [`new  ${result.path}`, ...difference(result)] : linesOf(result),
    ),
    `${results.length} action(s) checked, ${failed} mismatch(es)`,
  ].map(visible)
}

function linesOf(result: FixtureResult): readonly string[] {
  switch (result.kind) {
    case 'ok':
      return [`ok   ${result.path}`]
    case 'error':
      return [`FAIL ${result.path}: ${result.problems.join('; ')}`]
    case 'mismatch':
      return [`FAIL ${result.path}`, ...difference(result)]
    default:
      return result satisfies never
  }
}

function difference(result: FixtureResult): readonly string[] {
  if (result.kind === 'error') return []
  const { want, outcome } = result
  const reason = outcome.reason ?? ''
  return [
    `  want ${side({ verdict: want.verdict, rule: want.rule ?? '', endpoint: want.endpoint ?? '' })}`,
    `  got  ${side(gotOf(outcome))}`,
    ...(reason === '' || reason === want.reason ? [] : [`  reason: ${reason}`]),
  ]
}

const verdictWidth = 12
const ruleWidth = 30

function side({ verdict, rule, endpoint }: Got): string {
  const quoted = (text: string, width: number) => JSON.stringify(text).padEnd(width)
  return `verdict=${quoted(verdict, verdictWidth)} rule=${quoted(rule, ruleWidth)} endpoint=${JSON.stringify(endpoint)}`
}

/** A run as one plain object, for programs. */
export function reportObject(config: string, results: readonly FixtureResult[], updated: ReadonlySet<string>): object {
  const failed = results.filter(({ kind, path }) => kind !== 'ok' && !updated.has(path)).length
  return {
    ok: failed === 0,
    config,
    checked: results.length,
    mismatches: failed,
    fixtures: results.map((result) => {
      if (result.kind === 'error') return { path: result.path, result: 'error', errors: result.problems }
      const { reason, approvers, failsafe, shadows } = result.outcome
      return {
        path: result.path,
        result: updated.has(result.path) ? 'updated' : result.kind,
        want: result.want,
        got: { ...gotOf(result.outcome), reason, approvers, failsafe, shadows },
      }
    }),
  }
}
