// Builds the Go package into a C archive; called by binding.gyp with the archive's path.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tailscaleTags } from './tailscale-tags.mjs'

const go = join(dirname(fileURLToPath(import.meta.url)), '..', 'go')
const output = process.argv[2]
const tags = `-tags=${tailscaleTags.join(',')}`
const done = spawnSync(
  'go',
  ['build', '-buildmode=c-archive', tags, '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', output, '.'],
  { cwd: go, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '1', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' } },
)
process.exit(done.status ?? 1)
