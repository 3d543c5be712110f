import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Addon } from './protocol.ts'

const here = dirname(fileURLToPath(import.meta.url))
// compiled code lives in dist/, one folder below the package
const root = existsSync(join(here, 'binding.gyp')) ? here : join(here, '..')

/**
 * Loads the native addon.
 * @throws Error with the command to run when it has not been built.
 */
export function loadAddon(): Addon {
  const file = join(root, 'build', 'Release', 'bindings.node')
  if (!existsSync(file)) throw new Error('the native part is not built: run `npm run build` in the project folder')
  return createRequire(import.meta.url)(file)
}

/** Path of the executable that runs a command in namespaces of its own (src/netns). */
export function helperPath(): string {
  return join(root, 'build', 'Release', 'netns')
}
