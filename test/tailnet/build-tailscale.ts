import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { tailscaleTags } from '../../gateway/tsnet-bindings/scripts/tailscale-tags.mjs'
import { projectRoot, run } from '../support/program.ts'

/** The version of Tailscale the gateway is built with. */
const version = 'v1.102.5'
const built = join(projectRoot, 'test', 'tailnet', 'build')

/** Longest a first build takes with nothing in Go's cache, ms. */
export const tailscaleBuildMs = 900_000

/**
 * Builds Tailscale itself, `tailscale` and `tailscaled`, as machines have it, unless it is there already.
 * @returns the folder of both
 * @throws Error with the compiler's output
 */
export async function buildTailscale(): Promise<string> {
  const folder = join(built, `tailscale-${version}`)
  if (existsSync(join(folder, 'tailscaled'))) return folder
  mkdirSync(built, { recursive: true })
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', GOBIN: `${folder}.part` }
  const done = await run('flock', [join(built, '.lock'), 'sh', '-c', build, 'sh', folder, version, tags], env)
  if (done.code === 0) return folder
  throw new Error(`Cannot build Tailscale for tests:\n${done.stdout}${done.stderr}`)
}

// one program, which is the command line as well when it is called so
const build = `
test -x "$1/tailscaled" && exit 0
nice go install -trimpath -tags "$3" '-ldflags=-s -w' "tailscale.com/cmd/tailscaled@$2" || exit 1
ln -sf tailscaled "$GOBIN/tailscale"
for old in "\${1%/*}"/tailscale-*; do test "$old" = "$GOBIN" || rm -rf "$old"; done
mv "$GOBIN" "$1"
`

/** The command line is part of the daemon then. */
const tags = ['ts_include_cli', ...tailscaleTags].join(',')
