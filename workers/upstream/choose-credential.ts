import type { CredentialUse } from '../contract/profile.ts'
import type { HeaderList } from '../wire/http/header-list.ts'

/** Where an agent may have put a placeholder. */
export interface PlaceholderPlaces {
  readonly headers: HeaderList
  /** Path with query, as sent. */
  readonly target: string
}

/**
 * Picks the credential for a request: the only one there is, else the one whose placeholder the agent sent, else the
 * one without constraints. null: none, or several placeholders fit and it cannot be told which one is meant.
 */
export function chooseCredential(
  credentials: readonly CredentialUse[],
  places: PlaceholderPlaces,
): CredentialUse | null {
  const [only] = credentials
  if (only === undefined || credentials.length === 1) return only ?? null
  const named = credentials.filter((use) => isNamed(use, places))
  // PH_live is contained in PH_live_2: only the longer one was sent
  const meant = named.filter(
    (use) => !named.some((other) => other !== use && placeholderOf(other).includes(placeholderOf(use))),
  )
  if (meant.length > 0) return meant.length === 1 ? (meant[0] ?? null) : null
  const fallbacks = credentials.filter(({ disambiguator }) => Object.keys(disambiguator).length === 0)
  return fallbacks.length === 1 ? (fallbacks[0] ?? null) : null
}

function placeholderOf({ disambiguator }: CredentialUse): string {
  return disambiguator.placeholder ?? ''
}

function isNamed(use: CredentialUse, { headers, target }: PlaceholderPlaces): boolean {
  const placeholder = placeholderOf(use)
  // a constraint HTTP knows nothing of never holds
  if (placeholder === '' || Object.keys(use.disambiguator).length > 1) return false
  for (const value of headers.all('authorization'))
    if (value.includes(placeholder) || basicPayload(value).includes(placeholder)) return true
  for (const name of ['cookie', ownHeader(use)])
    if (name !== null && headers.all(name).some((value) => value.includes(placeholder))) return true
  return queryValues(target).some((value) => value.includes(placeholder))
}

/** The header a credential of its type fills in, lower case, where its settings name one. */
function ownHeader({ settings }: CredentialUse): string | null {
  if (typeof settings !== 'object' || settings === null || !('header' in settings)) return null
  return typeof settings.header === 'string' ? settings.header.toLowerCase() : null
}

function basicPayload(value: string): string {
  const found = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(value)
  return found === null ? '' : Buffer.from(found[1] ?? '', 'base64').toString('latin1')
}

function queryValues(target: string): string[] {
  const start = target.indexOf('?')
  return start < 0 ? [] : [...new URLSearchParams(target.slice(start + 1)).values()]
}
