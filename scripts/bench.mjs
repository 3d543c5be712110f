// `npm run bench [-- flows|memory|run|rules|conditions]`: everything inside a network namespace without a route out.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root, run } from './install.mjs'
import { missing, report } from './prerequisites.mjs'

if (report(missing({ run: true }))) process.exit(1)
ensureInstalled()
ensureBuilt()
run('go', ['build', '-C', 'test/bench/load', '-o', '../bin/load', '.'])
const inside = 'ip link set lo up && ip address add 198.51.100.10/32 dev lo && exec "$@"'
const words = [join(root, 'dist/test/bench/gateway.js'), ...process.argv.slice(2)]
const done = spawnSync('unshare', ['-n', 'sh', '-c', inside, 'bench', process.execPath, ...words], {
  cwd: root,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
