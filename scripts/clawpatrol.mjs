#!/usr/bin/env node
// The `clawpatrol` command: runs what `npm run build` put into dist/.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../dist/gateway/cli/main.js', import.meta.url))
if (existsSync(entry)) {
  const { main } = await import(entry)
  // exitCode rather than exit(): output still in flight is written first, open handles are the command's to close
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write('clawpatrol: it is not built yet\nhint: run npm run build in the project folder\n')
  process.exitCode = 1
}
