import { ClawError } from '../../workers/contract/errors.ts'
import type { CredentialName } from '../../workers/contract/ids.ts'
import type { TailscaleSettings } from '../config/policy.ts'
import { expandSecrets } from '../config/secret-text.ts'
import { environmentSecret, secretVariable } from '../secrets/environment.ts'
import type { Vault } from '../secrets/vault.ts'
import type { OauthClient } from './oauth.ts'

/** Finds a secret by its name; null: there is none. */
export type SecretNamed = (name: string) => string | null

/** The secrets of the tailscale block, expanded. In memory only: not to be logged, recorded or handed to a worker. */
export interface TailscaleSecrets {
  /** null: none is configured; a node that was let in before needs none. */
  readonly authkey: string | null
  readonly oauth: OauthClient | null
  readonly clientAuthkey: string | null
}

/**
 * Expands `{{secret:NAME}}` in all keys of the tailscale block; done once, when the gateway starts.
 * @throws ClawError CP_SECRET that names everything that is missing
 */
export function tailscaleSecrets(
  settings: TailscaleSettings,
  env: NodeJS.ProcessEnv,
  secretNamed: SecretNamed = fromEnvironment(env),
): TailscaleSecrets {
  const missing = new Map<string, string>()
  const expand = (attribute: string, written: string) => expandSecret(attribute, written, secretNamed, missing)
  const { oauth, clientAuthkey } = settings
  const found = {
    authkey: authkeyOf(settings, env, expand),
    oauth:
      oauth === null
        ? null
        : {
            clientId: expand('oauth_client_id', oauth.clientId),
            clientSecret: expand('oauth_client_secret', oauth.clientSecret),
          },
    clientAuthkey: clientAuthkey === null ? null : expand('client_authkey', clientAuthkey),
  }
  refuseMissing(missing)
  return found
}

/** Finds secrets where those of credentials are: in the vault, else in the environment. */
export function vaultSecrets(vault: Pick<Vault, 'lookup'>): SecretNamed {
  return (name) => vault.lookup(name as CredentialName, [''])?.[''] ?? null
}

/** What of them must be in no record and no log line. */
export function secretValues({ authkey, oauth, clientAuthkey }: TailscaleSecrets): readonly string[] {
  return [authkey, oauth?.clientSecret ?? null, clientAuthkey].filter((value) => value !== null)
}

/** The configured key, else $TS_AUTHKEY, else null: a node that was let in before needs none. */
function authkeyOf(
  { authkey }: Pick<TailscaleSettings, 'authkey'>,
  env: NodeJS.ProcessEnv,
  expand: (attribute: string, written: string) => string,
): string | null {
  if (authkey !== null) return expand('authkey', authkey)
  const given = env.TS_AUTHKEY?.trim() ?? ''
  return given === '' ? null : checked('$TS_AUTHKEY', given)
}

function expandSecret(
  attribute: string,
  written: string,
  secretNamed: SecretNamed,
  missing: Map<string, string>,
): string {
  const expanded = expandSecrets(written, secretNamed)
  if ('missing' in expanded) {
    for (const name of expanded.missing) missing.set(name, attribute)
    return ''
  }
  return checked(`tailscale.${attribute}`, expanded.text)
}

/** A line end in a key would end a header or a log line. */
function checked(what: string, value: string): string {
  if (/[^\x21-\x7e]/.test(value))
    throw new ClawError('CP_SECRET', `Cannot use ${what}: there is white space or another odd character in the key`)
  return value
}

function refuseMissing(missing: ReadonlyMap<string, string>): void {
  if (missing.size === 0) return
  const found = [...missing].map(([name, attribute]) => `${JSON.stringify(name)} for tailscale.${attribute}`)
  const [first = ''] = missing.keys()
  throw new ClawError('CP_SECRET', `Cannot start: there is no secret ${found.join(', none ')}`, {
    hint: `run clawpatrol secret set ${first}, or set ${secretVariable(first, '')} in the gateway's environment`,
  })
}

function fromEnvironment(env: NodeJS.ProcessEnv): SecretNamed {
  return (name) => environmentSecret(env, secretVariable(name, ''))
}
