import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { helperPath } from 'tsnet-bindings'
import { type CaptureProblem, explainFailure, type HelperFailure } from './explain-failure.ts'
import { type HostFacts, readHostFacts } from './host-facts.ts'

const PROBE_MS = 5_000

/**
 * Does on this machine all that a run needs, short of running a command, and names everything refused at once.
 * What can be seen before anything is compiled is checked by scripts/prerequisites.mjs.
 */
export async function captureProblems(): Promise<readonly CaptureProblem[]> {
  const helper = helperPath()
  try {
    await promisify(execFile)(helper, ['--probe'], { timeout: PROBE_MS, env: {} })
    return []
  } catch (error) {
    const output = String((error as { stdout?: string }).stdout ?? '')
    const problems = explainProbe(output, readHostFacts(), helper)
    if (problems.length > 0) return problems
    const why = (error as NodeJS.ErrnoException).code ?? 'no answer'
    return [{ message: `Cannot probe with the capture helper "${helper}": ${why}`, fix: 'npm run build' }]
  }
}

/**
 * Reads what `netns --probe` printed: one `E stage errno path` a line.
 * @returns without repetitions
 */
export function explainProbe(output: string, facts: HostFacts, helper: string): readonly CaptureProblem[] {
  const problems = output
    .split('\n')
    .map(parseFailure)
    .filter((failure) => failure !== null)
    .map((failure) => explainFailure(failure, facts, helper))
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()]
}

function parseFailure(line: string): HelperFailure | null {
  const match = /^E (\S+) (\d+) (.*)$/.exec(line)
  if (match === null) return null
  const [, stage = '', errno = '', path = ''] = match
  return { stage, errno: Number(errno), path }
}
