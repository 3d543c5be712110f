// Writes the generated pages of web/docs from the code; `--check` only tells whether they are up to date.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './install.mjs'

const folder = join(root, 'web', 'docs')

ensureInstalled()
// the sources are run as they are; only the native part of them has to be built
if (!existsSync(join(root, 'gateway', 'tsnet-bindings', 'dist', 'index.js'))) ensureBuilt()
// not before everything is installed
const { register } = await import('tsx/esm/api')
register()
const { makePages } = await import('./docs/pages.ts')
const pages = await makePages()
const check = process.argv.includes('--check')
let isStale = false
mkdirSync(folder, { recursive: true })
for (const [name, text] of pages) {
  const path = join(folder, name)
  const wanted = name.endsWith('.json') ? laidOut(path, text) : text
  const found = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (found === wanted) continue
  isStale = true
  if (check) process.stdout.write(`  web/docs/${name} is not up to date: run node scripts/make-docs.mjs\n`)
  else writeFileSync(path, wanted)
}
process.exitCode = check && isStale ? 1 : 0

/** JSON the way `npm run format` leaves it. */
function laidOut(path, text) {
  const words = ['node_modules/@biomejs/biome/bin/biome', 'format', `--stdin-file-path=${path}`]
  const done = spawnSync(process.execPath, words, { cwd: root, input: text, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr)
  return done.stdout
}
