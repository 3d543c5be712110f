import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { gatewayFile, type Transport } from './gateway-file.ts'
import type { Pack } from './packs.ts'

/** What to start from, and where. */
export interface Starter {
  readonly directory: string
  readonly packs: readonly Pack[]
  readonly transport: Transport
  /** Replaces files that are there; others in the directory stay. */
  readonly replaces: boolean
}

/**
 * Writes a directory that is a configuration: `gateway.hcl`, one file and one folder of fixtures for each pack.
 * @returns the files written, relative to the directory
 * @throws ClawError CP_CONFIG when something is in the way; nothing is written then
 */
export function writeStarter({ directory, packs, transport, replaces }: Starter): readonly string[] {
  const files = starterFiles(packs, transport)
  if (!replaces) refuseWhatIsThere(directory, [...files.keys()])
  for (const [name, text] of files) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: 0o644, flag: replaces ? 'w' : 'wx' })
    // the mode above is of new files, and less what the umask takes away
    chmodSync(path, 0o644)
  }
  return [...files.keys()]
}

/** Every file of a starter by its name, fixtures as `fixtures/PACK/NAME.json`. */
export function starterFiles(packs: readonly Pack[], transport: Transport): ReadonlyMap<string, string> {
  return new Map([
    ['gateway.hcl', gatewayFile(packs, transport)],
    ...packs.map(({ name, policy }) => [`${name}.hcl`, policy] as const),
    ...packs.flatMap(({ name, fixtures }) =>
      [...fixtures].map(([file, text]) => [`fixtures/${name}/${file}`, text] as const),
    ),
  ])
}

function refuseWhatIsThere(directory: string, names: readonly string[]): void {
  const there = names.filter((name) => existsSync(join(directory, name)))
  // all *.hcl files of a directory are one configuration
  const others = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.hcl')) : []
  const found = [...new Set([...others, ...there])]
  if (found.length === 0) return
  const shown = found.slice(0, 3).join(', ')
  throw new ClawError(
    'CP_CONFIG',
    `${directory} has ${shown}${found.length > 3 ? ` and ${found.length - 3} more` : ''} already: nothing was written`,
    { hint: 'choose an empty directory, or --force to replace the files init writes' },
  )
}
