import { ClawError } from '../../../workers/contract/errors.ts'
import type { CredentialName } from '../../../workers/contract/ids.ts'
import { askHidden, readSecretInput } from '../../secrets/ask-hidden.ts'
import { secretVariable, secretVariables } from '../../secrets/environment.ts'
import { nextMasterKey } from '../../secrets/master-key.ts'
import { openVault, type Vault } from '../../secrets/vault.ts'
import { type Database, defaultStateDir, openDatabase } from '../../store/database.ts'
import type { Command, Invocation, Option } from '../command.ts'
import { print, printJson, table } from '../print.ts'

const stateDir: Option = {
  flags: '--state-dir <dir>',
  summary: "the gateway's state directory (default: CLAWPATROL_STATE, or ~/.clawpatrol)",
}
const slotWord = { word: '<name[:slot]>', summary: 'the credential as the configuration names it' }

/** `clawpatrol secret set|list|rm|rekey` */
export const secret: Command = {
  name: 'secret',
  summary: 'store, list and remove the secrets of credentials; a running gateway notices',
  subcommands: [
    {
      name: 'set',
      summary: 'store a secret, read from standard input or asked for without showing it',
      args: [slotWord],
      options: [stateDir],
      examples: ['clawpatrol secret set github-token', 'clawpatrol secret set client-cert:key < key.pem'],
      run: async (call) => withVault(call, (vault) => set(vault, call.args[0] ?? '')),
    },
    {
      name: 'list',
      summary: 'list names, slots and where they come from; never a value',
      options: [stateDir, { flags: '--json', summary: 'one JSON object per line' }],
      run: async (call) => withVault(call, (vault) => list(vault, call.options.json === true)),
    },
    {
      name: 'rm',
      summary: 'remove a slot, or without a slot everything stored for a credential',
      args: [slotWord],
      options: [stateDir],
      exitCodes: [{ code: 1, meaning: 'nothing was stored for it' }],
      run: async (call) => withVault(call, (vault) => remove(vault, call.args[0] ?? '')),
    },
    {
      name: 'rekey',
      summary: 'put all secrets under a new master key',
      options: [stateDir],
      examples: [
        'clawpatrol secret rekey',
        'CLAWPATROL_NEXT_MASTER_PASSPHRASE="$(cat passphrase)" clawpatrol secret rekey',
      ],
      run: async (call) => withVault(call, rekey),
    },
  ],
}

async function set(vault: Vault, word: string): Promise<number> {
  const { name, slot } = parseSlot(word)
  const value = process.stdin.isTTY ? await askHidden(`Secret of ${word}: `) : await readSecretInput()
  vault.set(name, slot ?? '', value)
  print(`stored: ${word}`)
  return 0
}

async function list(vault: Vault, asJson: boolean): Promise<number> {
  const stored = vault.list().map(({ name, slot, updatedAt }) => ({
    name: name as string,
    slot,
    source: 'vault',
    updated: new Date(updatedAt).toISOString(),
  }))
  // of this shell: what the gateway was started with cannot be seen from here
  const hidden = new Set(stored.map(({ name, slot }) => secretVariable(name, slot)))
  const given = secretVariables(process.env)
    .filter((variable) => !hidden.has(variable))
    .map((variable) => ({ name: variable, slot: '', source: 'environment', updated: null }))
  const rows = [...stored, ...given]
  if (asJson) for (const row of rows) printJson(row)
  else if (rows.length === 0) print('no secrets are stored: clawpatrol secret set NAME stores one')
  else
    print(
      table(
        ['NAME', 'SLOT', 'SOURCE', 'UPDATED'],
        rows.map((row) => [row.name, row.slot === '' ? '-' : row.slot, row.source, row.updated ?? '-']),
      ),
    )
  return 0
}

async function remove(vault: Vault, word: string): Promise<number> {
  const { name, slot } = parseSlot(word)
  const count = vault.remove(name, slot)
  if (count === 0) throw new ClawError('CP_SECRET', `Nothing is stored for ${JSON.stringify(word)}`)
  print(`removed: ${word}`)
  return 0
}

async function rekey(vault: Vault, database: Database): Promise<number> {
  const next = await nextMasterKey({ database })
  const count = vault.rekey(next)
  const what =
    next.source === 'file'
      ? 'the new master.key; a running gateway notices'
      : `the new ${next.source === 'passphrase' ? 'passphrase' : 'key'}: restart the gateway with it`
  print(`${count} records are under ${what}`)
  return 0
}

async function withVault(
  { options }: Invocation,
  work: (vault: Vault, database: Database) => Promise<number>,
): Promise<number> {
  const dir = options.stateDir
  await using database = openDatabase(typeof dir === 'string' ? dir : defaultStateDir())
  await using vault = await openVault(database, process.stdin.isTTY ? { ask: askHidden } : {})
  return await work(vault, database)
}

/** `name:slot`; without a slot `slot` is null. */
function parseSlot(word: string): { readonly name: CredentialName; readonly slot: string | null } {
  const [, name = '', slot = null] = /^([^:]*)(?::(.*))?$/s.exec(word) ?? []
  if (!/^[\w.-]{1,128}$/.test(name) || (slot !== null && !/^[\w.-]{0,64}$/.test(slot)))
    throw new ClawError('CP_SECRET', `Cannot use ${JSON.stringify(word)}: it is not NAME or NAME:SLOT`, {
      hint: 'the value is never an argument: it comes from standard input or a prompt',
    })
  return { name: name as CredentialName, slot }
}
