// `npm run check`: format, lint, types, imports, sizes, docs. The same gates run first in `npm test`.
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { checkImports } from './check-imports.mjs'
import { checkSizes } from './check-sizes.mjs'
import { ensureInstalled, root } from './install.mjs'

/** Runs every gate, prints what each found, and tells which passed. */
export function staticChecks() {
  const gates = [
    ['format and lint', () => tool(['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])],
    ['types', () => tool(['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'])],
    [
      'types of tsnet-bindings',
      () => tool(['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'gateway/tsnet-bindings']),
    ],
    ['imports', () => show(checkImports(root))],
    ['sizes', () => show(checkSizes(root))],
    ['docs', () => tool(['scripts/make-docs.mjs', '--check'])],
  ]
  const passed = []
  const failed = []
  for (const [name, gate] of gates) {
    const ok = gate()
    process.stdout.write(`${ok ? '✓' : '✗'} ${name}\n`)
    ;(ok ? passed : failed).push(name)
  }
  return { passed, failed }
}

function tool(words) {
  const done = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })
  if (done.status !== 0) process.stdout.write(`${done.stdout}${done.stderr}`)
  return done.status === 0
}

function show(problems) {
  for (const problem of problems) process.stdout.write(`  ${problem}\n`)
  return problems.length === 0
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  ensureInstalled()
  process.exitCode = staticChecks().failed.length === 0 ? 0 : 1
}
