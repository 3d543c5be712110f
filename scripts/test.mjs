// `npm test`: installs, builds, runs the static checks and every test; the last line counts both.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { staticChecks } from './check.mjs'
import { ensureInstalled, root } from './install.mjs'
import { missing, report } from './prerequisites.mjs'

if (report(missing({ run: true }))) process.exit(1)
ensureInstalled()
ensureBuilt()
const checks = staticChecks()
const tests = runVitest(process.argv.slice(2))
for (const name of [...checks.failed, ...tests.failed]) process.stdout.write(`failed: ${name}\n`)
for (const name of tests.skipped) process.stdout.write(`skipped: ${name}\n`)
const passed = checks.passed.length + tests.passed
const failed = checks.failed.length + tests.failed.length
process.stdout.write(
  `${passed} passed, ${failed} failed${tests.skipped.length > 0 ? `, ${tests.skipped.length} skipped` : ''}\n`,
)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function runVitest(words) {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-test-'))
  const file = join(folder, 'results.json')
  const done = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      // hazards measure time on machines that may be busy: what fails twice is broken
      '--retry=1',
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${file}`,
      ...words,
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  try {
    return summarize(JSON.parse(readFileSync(file, 'utf8')), done.status)
  } catch {
    return { passed: 0, failed: ['vitest wrote no result'], skipped: [] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function summarize(results, status) {
  const all = results.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name.slice(root.length) })),
  )
  const named = (state) => all.filter((test) => test.status === state).map((test) => `${test.file}: ${test.fullName}`)
  // a file that could not be loaded has no test in it, yet it failed
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = [...named('failed'), ...broken.map((file) => `${file.name.slice(root.length)}: could not run`)]
  if (status !== 0 && failed.length === 0) failed.push('vitest reported an error outside any test')
  return {
    passed: named('passed').length,
    failed,
    skipped: [...named('pending'), ...named('skipped'), ...named('todo')],
  }
}
