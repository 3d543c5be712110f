import type { CredentialUse } from '../contract/profile.ts'

/** What a session says of itself that may pick its credential; undefined: it is not known. */
export interface SessionFields {
  readonly user?: string | undefined
  readonly database?: string | undefined
  /** The one it was seen to hold. */
  readonly placeholder?: string | undefined
}

/**
 * Picks the credential of a session: the only one there is, else of those whose every constraint holds the one with
 * most of them. null: none, or it cannot be told which one.
 */
export function chooseByFields(credentials: readonly CredentialUse[], fields: SessionFields): CredentialUse | null {
  const [only] = credentials
  if (only === undefined || credentials.length === 1) return only ?? null
  const values: { readonly [field: string]: string | undefined } = { ...fields }
  const holding = credentials.filter(({ disambiguator }) =>
    Object.entries(disambiguator).every(([field, wanted]) => values[field] === wanted),
  )
  const most = Math.max(...holding.map(({ disambiguator }) => Object.keys(disambiguator).length))
  const best = holding.filter(({ disambiguator }) => Object.keys(disambiguator).length === most)
  return best.length === 1 ? (best[0] ?? null) : null
}
