import { ClawError } from '../../../workers/contract/errors.ts'
import type { Transport } from '../../starters/gateway-file.ts'
import { type Pack, packNames, readPack } from '../../starters/packs.ts'
import { writeStarter } from '../../starters/write-starter.ts'
import type { Command, Invocation } from '../command.ts'
import { print, table } from '../print.ts'

/** `clawpatrol init [dir]` */
export const init: Command = {
  name: 'init',
  summary: 'write a cautious policy to start from, with fixtures that test it',
  args: [{ word: '[dir]', summary: 'directory to write, . when not given' }],
  options: [
    { flags: '--pack <names>', summary: 'packs, separated by commas; without it those this version can serve' },
    { flags: '--transport <name>', summary: 'how agents arrive: wireguard or tailscale', default: 'wireguard' },
    { flags: '--list', summary: 'list the packs and write nothing' },
    { flags: '--force', summary: 'replace files that are there' },
  ],
  examples: ['clawpatrol init policy', 'clawpatrol init --list', 'clawpatrol init policy --pack github,postgres'],
  exitCodes: [
    { code: 1, meaning: 'nothing was written: something is in the way, or there is no such pack' },
    { code: 2, meaning: 'wrong usage' },
  ],
  run: async (invocation) => {
    if (invocation.options.list === true) {
      print(listing())
      return 0
    }
    const { args, options } = invocation
    const directory = args[0] ?? '.'
    const packs = packsOf(invocation)
    const files = writeStarter({
      directory,
      packs,
      transport: transportOf(options.transport),
      replaces: options.force === true,
    })
    for (const line of report(directory, packs, files)) print(line)
    return 0
  },
}

function listing(): string {
  const rows = packNames
    .map(readPack)
    .map((pack) => [pack.name, pack.isServed ? 'yes' : 'not yet', String(pack.fixtures.size), pack.summary])
  return table(['pack', 'served', 'fixtures', 'what it does'], rows)
}

function packsOf({ options }: Invocation): readonly Pack[] {
  if (typeof options.pack !== 'string') return packNames.map(readPack).filter(({ isServed }) => isServed)
  const names = options.pack.split(',').map((name) => name.trim())
  return [...new Set(names)].map(readPack)
}

function transportOf(value: Invocation['options'][string]): Transport {
  if (value === 'wireguard' || value === 'tailscale') return value
  throw new ClawError('CP_CONFIG', `There is no transport ${JSON.stringify(value)}`, {
    hint: '--transport wireguard or --transport tailscale',
  })
}

function report(directory: string, packs: readonly Pack[], files: readonly string[]): readonly string[] {
  const policies = files.filter((name) => name.endsWith('.hcl'))
  const unserved = packs.filter(({ isServed }) => !isServed).map(({ name }) => name)
  return [
    `wrote ${policies.join(', ')} and ${files.length - policies.length} fixtures to ${directory}`,
    '',
    'next:',
    `  clawpatrol validate ${directory}`,
    `  clawpatrol test ${directory}`,
    ...packs.flatMap(({ secrets }) => secrets.map((name) => `  clawpatrol secret set ${name}`)),
    `  clawpatrol gateway ${directory}`,
    '',
    'Rules with approve deny for now: this version has nobody to ask.',
    ...(unserved.length === 0
      ? []
      : [`${unserved.join(', ')}: checked and tested, but clawpatrol gateway cannot serve it in this version.`]),
  ]
}
