import { readFileSync } from 'node:fs'
import type { Command } from '../command.ts'
import { print } from '../print.ts'

/** `clawpatrol version` */
export const version: Command = {
  name: 'version',
  summary: 'print the version of clawpatrol and of the Node it runs on',
  run: async () => {
    print(`clawpatrol ${packageVersion()} (node ${process.versions.node})`)
    return 0
  },
}

/** Version in the package.json this program was installed with. */
export function packageVersion(): string {
  for (const up of ['../../../package.json', '../../../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (found.name === 'clawpatrol' && found.version !== undefined) return found.version
    } catch {
      // not there: dist/ is one level deeper than the sources
    }
  }
  return 'unknown'
}
