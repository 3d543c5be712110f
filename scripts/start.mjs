// `npm start`: installs and builds what is needed, then runs the single-machine mode.
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './install.mjs'
import { missing, report } from './prerequisites.mjs'

if (report(missing({ run: true }))) process.exit(1)
ensureInstalled()
ensureBuilt()
const { main } = await import(new URL('dist/gateway/cli/main.js', `file://${root}`).href)
process.exitCode = await main(['dev', ...process.argv.slice(2)])
