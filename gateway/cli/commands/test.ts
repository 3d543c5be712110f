import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClawError } from '../../../workers/contract/errors.ts'
import { countProblems, formatProblem } from '../../config/diagnostics.ts'
import { type LoadedPolicy, loadPolicy } from '../../config/load-policy.ts'
import { CoverageCollector, coverageLines } from '../../replay/coverage.ts'
import { fixturesBeside, readFixtures } from '../../replay/fixture-files.ts'
import { junitReport } from '../../replay/junit.ts'
import { reportLines, reportObject } from '../../replay/report.ts'
import { type FixtureFile, runFixtures } from '../../replay/run.ts'
import { updateFixtures } from '../../replay/update-fixtures.ts'
import { FileWatch } from '../../replay/watch-files.ts'
import type { Command, Invocation } from '../command.ts'
import { print, printError, printFailure, printJson } from '../print.ts'

/** `clawpatrol test <config> [fixtures]` */
export const test: Command = {
  name: 'test',
  summary: 'judge described actions by a configuration and compare with what is wanted',
  args: [
    { word: '<config>', summary: 'a file, or a directory of .hcl files' },
    {
      word: '[fixtures]',
      summary: 'a .json file, or a directory with them in it and below (default: fixtures, beside the configuration)',
    },
  ],
  options: [
    { flags: '--json', summary: 'print one JSON object instead of text' },
    { flags: '--junit <file>', summary: 'also write a JUnit report' },
    { flags: '--update', summary: 'write what the rules say into the fixtures that want something else' },
    {
      flags: '--coverage',
      summary: 'also tell which rules no fixture exercises, can never fire or contradict each other',
    },
    { flags: '--watch', summary: 'run again whenever the configuration or a fixture changes, until interrupted' },
  ],
  examples: [
    'clawpatrol test policy',
    'clawpatrol test gateway.hcl fixtures/api',
    'clawpatrol test --junit report.xml policy',
    'clawpatrol test --coverage policy',
    'clawpatrol test --watch policy',
  ],
  exitCodes: [
    { code: 1, meaning: 'a fixture got something else than it wants, or cannot be read' },
    { code: 2, meaning: 'wrong usage, no fixtures, or the configuration has errors' },
  ],
  run: testFixtures,
}

async function testFixtures({ args, options }: Invocation): Promise<number> {
  const [config = '', fixtures = fixturesBeside(config)] = args
  if (options.watch !== true) return (await runOnce(config, fixtures, options)).code
  const ending = new AbortController()
  const end = () => ending.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  using watch = new FileWatch()
  watch.follow([config, fixtures], [config, fixtures])
  try {
    for (;;) {
      const { code, watched, folders } = await runOnce(config, fixtures, options)
      watch.follow([...watched, fixtures], [config, fixtures, ...folders])
      if (!(await watch.next(ending.signal))) return code
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

interface Ran {
  readonly code: number
  /** Files of the configuration. */
  readonly watched: readonly string[]
  /** Where fixtures are. */
  readonly folders: readonly string[]
}

/** Loads, judges and reports once. */
async function runOnce(config: string, fixtures: string, options: Invocation['options']): Promise<Ran> {
  const began = performance.now()
  const loaded = await loadPolicy(config)
  const { policy, watched } = loaded
  if (policy === null) {
    reportConfig(config, loaded, options.json === true)
    return { code: 2, watched, folders: [] }
  }
  let files: readonly FixtureFile[]
  try {
    files = readFixtures(fixtures)
  } catch (error) {
    printFailure(error)
    return { code: 2, watched, folders: [] }
  }
  const collector = options.coverage === true ? new CoverageCollector() : null
  const results = await runFixtures(policy, files, (path, outcome) => collector?.observe(path, outcome))
  const updated = options.update === true ? await updateFixtures(files, results) : new Set<string>()
  const seconds = (performance.now() - began) / 1000
  if (typeof options.junit === 'string') await writeReport(options.junit, junitReport(config, results, seconds))
  const isOk = results.every(({ kind, path }) => kind === 'ok' || updated.has(path))
  const coverage = collector?.report(policy)
  if (options.json === true) printJson({ ...reportObject(config, results, updated), ...(coverage && { coverage }) })
  else {
    const lines = [...reportLines(results, updated), ...(coverage === undefined ? [] : coverageLines(coverage))]
    const text = lines.join('\n')
    if (isOk) print(text)
    else printError(text)
  }
  return { code: isOk ? 0 : 1, watched, folders: [...new Set(files.map(({ path }) => dirname(path)))] }
}

async function writeReport(path: string, report: string): Promise<void> {
  try {
    await writeFile(path, report)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ClawError('CP_CONFIG', `Cannot write the report: ${why}`, { cause: error })
  }
}

function reportConfig(config: string, { problems }: LoadedPolicy, isJson: boolean): void {
  if (isJson) {
    printJson({ ok: false, config, problems })
    return
  }
  for (const problem of problems) printError(`${formatProblem(problem)}\n`)
  printError(`${config}: ${countProblems(problems)}`)
}
