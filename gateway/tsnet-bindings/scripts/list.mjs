// Prints the files of a folder that end in a suffix, for binding.gyp.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [folder, suffix] = process.argv.slice(2)
try {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(suffix))
  process.stdout.write(names.map((name) => `${folder}/${name}`).join('\n'))
} catch {
  // no such folder: nothing to build
}
