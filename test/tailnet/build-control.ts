import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tailscaleTags } from '../../gateway/tsnet-bindings/scripts/tailscale-tags.mjs'
import { projectRoot, run } from '../support/program.ts'

const sources = join(projectRoot, 'test', 'tailnet', 'control')
const built = join(projectRoot, 'test', 'tailnet', 'build')

/** Longest a first build takes with nothing in Go's cache, ms. For the timeout of the hook that starts a control. */
export const controlBuildMs = 600_000

/**
 * Builds the control program unless it is there already, and tells its path. Test files that run at once build once.
 * @throws Error with the compiler's output
 */
export async function buildControl(): Promise<string> {
  const binary = join(built, `control-${fingerprint()}`)
  if (existsSync(binary)) return binary
  mkdirSync(built, { recursive: true })
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' }
  const done = await run(
    'flock',
    [join(built, '.lock'), 'sh', '-c', build, 'sh', binary, sources, tailscaleTags.join(',')],
    env,
  )
  if (done.code === 0) return binary
  throw new Error(`Cannot build the control program for tests:\n${done.stdout}${done.stderr}`)
}

/** The binary is named last, so that nobody starts a part of it; what was built a day ago goes. */
const build = `
test -x "$1" && exit 0
cd "$2" || exit 1
nice go build -tags "$3" -trimpath -buildvcs=false '-ldflags=-s -w' -o "$1.part" . || exit 1
find "\${1%/*}" -name 'control-*' -mmin +1440 -delete
mv "$1.part" "$1"
`

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(sources).sort())
    if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(`${name}\0`).update(readFileSync(join(sources, name)))
  return hash.digest('hex').slice(0, 16)
}
