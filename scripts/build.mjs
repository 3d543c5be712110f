// Builds the native addon, the configuration parser (WASM) and TypeScript into build/ and dist/.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, root, run, say, withHeaders } from './install.mjs'
import { missing, report } from './prerequisites.mjs'

const stamp = join(root, 'dist', '.stamp')
const sources = ['workers', 'onboard', 'gateway', 'test', 'scripts', 'package-lock.json', 'tsconfig.json']

/** Builds whatever is older than its sources; costs a few milliseconds when nothing is. */
export function ensureBuilt() {
  const wanted = fingerprint()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('building (native parts take a few minutes the first time)')
  run(process.execPath, ['gateway/tsnet-bindings/scripts/install.mjs'], { env: withHeaders() })
  run(process.execPath, ['gateway/config/hcl/build-wasm.mjs'])
  const tsc = 'node_modules/typescript/bin/tsc'
  run(process.execPath, [tsc, '-p', 'gateway/tsnet-bindings'])
  run(process.execPath, [tsc, '-p', '.'])
  mkdirSync(join(root, 'dist'), { recursive: true })
  writeFileSync(stamp, fingerprint())
}

/** Throws away everything a build made. */
export function clean() {
  for (const folder of [
    'dist',
    'gateway/tsnet-bindings/dist',
    'gateway/tsnet-bindings/build',
    'gateway/config/hcl/build',
  ]) {
    rmSync(join(root, folder), { recursive: true, force: true })
  }
}

function fingerprint() {
  const hash = createHash('sha256').update(process.version)
  for (const source of sources) add(hash, join(root, source))
  return hash.digest('hex')
}

function add(hash, path) {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isDirectory()) {
    hash.update(`${path}\0${found.size}\0${found.mtimeMs}\n`)
    return
  }
  for (const name of readdirSync(path).sort()) {
    if (name !== 'build' && name !== 'dist' && name !== 'node_modules') add(hash, join(path, name))
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--clean')) clean()
  else {
    if (report(missing({ run: false }))) process.exit(1)
    ensureInstalled()
    ensureBuilt()
  }
}
