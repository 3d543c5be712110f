// Builds the native addon and the namespace helper when their sources changed; says in one sentence what is missing.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'build', '.stamp')
const oldestGo = [1, 26]

const wanted = fingerprint()
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  needGo()
  needCompiler()
  build()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

function fingerprint() {
  const hash = createHash('sha256').update(`${process.version} ${process.arch}`)
  for (const folder of ['go', 'src', 'src/netns', 'scripts']) {
    if (!existsSync(join(root, folder))) continue
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(folder, entry.name)
      hash.update(`${path}\0`).update(readFileSync(join(root, path)))
    }
  }
  return hash.update(readFileSync(join(root, 'binding.gyp'))).digest('hex')
}

function needGo() {
  const found = spawnSync('go', ['env', 'GOVERSION'], {
    encoding: 'utf8',
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  })
  const version = /^go(\d+)\.(\d+)/.exec(found.stdout ?? '')
  if (version === null) stop('Go is missing: install Go 1.26 or newer and put its bin folder on PATH')
  const [major, minor] = [Number(version[1]), Number(version[2])]
  if (major < oldestGo[0] || (major === oldestGo[0] && minor < oldestGo[1]))
    stop(`Go ${major}.${minor} is too old: install Go 1.26 or newer and put its bin folder first on PATH`)
}

function needCompiler() {
  for (const tool of ['cc', 'make', 'python3']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined)
      stop(`${tool} is missing: run \`apt-get install build-essential python3\` or what your system has in its place`)
  }
}

function build() {
  const require = createRequire(import.meta.url)
  const gyp = require.resolve('node-gyp/bin/node-gyp.js')
  const headers = join(dirname(process.execPath), '..')
  const nodedir = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? [`--nodedir=${headers}`] : []
  const done = spawnSync(process.execPath, [gyp, 'configure', 'build', '--silent', ...nodedir], {
    cwd: root,
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    process.stderr.write(done.stdout + done.stderr)
    stop('tsnet-bindings did not build; the compiler output is above')
  }
}

function stop(sentence) {
  process.stderr.write(`tsnet-bindings: ${sentence}\n`)
  process.exit(1)
}
