// Brings node_modules in line with package-lock.json. Plain Node, no dependency.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.clawpatrol-lock')

/** Runs `npm ci` unless what is installed is what the lock file says. */
export function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('installing dependencies (npm ci, a few minutes the first time)')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { env: withHeaders() })
  writeFileSync(stamp, lock)
}

/** Runs a program in the project folder; a failure ends this process with its exit code. */
export function run(command, args, { env = process.env, quiet = false } = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
  })
  if (done.status === 0) return
  if (quiet) process.stderr.write(`${done.stdout}${done.stderr}`)
  process.stderr.write(`clawpatrol: ${command} ${args.join(' ')} failed\n`)
  process.exit(done.status ?? 1)
}

/** Progress for people goes to stderr: stdout belongs to what was asked for. */
export function say(line) {
  process.stderr.write(`· ${line}\n`)
}

/** Environment in which node-gyp finds the headers that came with this Node instead of fetching them. */
export function withHeaders() {
  const prefix = dirname(dirname(process.execPath))
  if (!existsSync(join(prefix, 'include', 'node', 'node_api.h'))) return process.env
  return { ...process.env, npm_config_nodedir: prefix }
}
