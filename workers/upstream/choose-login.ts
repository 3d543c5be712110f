import type { CredentialUse } from '../contract/profile.ts'
import { chooseByFields } from './choose-by-fields.ts'
import { fillsLogin } from './inject.ts'

/** What an agent says of itself before its session on a database begins. */
export interface Asking {
  readonly user: string
  /** Absent where the agent is not asked for one. */
  readonly password?: string
  readonly database: string
}

/**
 * Picks the credential a session logs in with, by what the agent named: user, database, or a placeholder in its user or
 * password. Client certificates are picked only where nothing else is bound: beside a login they are shown as well.
 * null: none is bound, the session is the agent's own user's. A string says, for the agent, why none can be picked.
 */
export function chooseUse(credentials: readonly CredentialUse[], asking: Asking): CredentialUse | null | string {
  const logins = credentials.filter(fillsLogin)
  const eligible = logins.length > 0 ? logins : credentials
  if (eligible.length === 0) return null
  const { user, database } = asking
  const chosen = chooseByFields(eligible, { user, database, placeholder: placeholderIn(asking, eligible) })
  if (chosen !== null) return chosen
  const fields = [...new Set(eligible.flatMap(({ disambiguator }) => Object.keys(disambiguator)))].sort()
  const tried = fields.map((field) => {
    const valid = [...new Set(eligible.flatMap(({ disambiguator }) => disambiguator[field] ?? []))].sort()
    const named = field === 'user' ? ` "${user}"` : field === 'database' ? ` "${database}"` : ''
    return `${field}${named} (known: ${valid.join(', ')})`
  })
  return `no credential, or more than one, fits ${tried.join(' and ') || 'the session'}`
}

/** The longest placeholder in user or password: PH_live is also in PH_live_2. */
function placeholderIn({ user, password = '' }: Asking, credentials: readonly CredentialUse[]): string | undefined {
  return credentials
    .flatMap(({ disambiguator: { placeholder } }) =>
      placeholder !== undefined && placeholder !== '' ? [placeholder] : [],
    )
    .filter((placeholder) => user.includes(placeholder) || password.includes(placeholder))
    .sort((one, other) => other.length - one.length)[0]
}
