import { ClawError } from '../../contract/errors.ts'
import type { CredentialName } from '../../contract/ids.ts'
import type { Session } from '../../contract/plugin.ts'
import type { PostgresSettings } from './definition.ts'

/** What a session was opened with: while the policy changes, it may go on only as long as this holds. */
export class Standing {
  readonly #session: Session<PostgresSettings>
  readonly #credential: CredentialName | null
  readonly #host: string | null
  #checked: ReturnType<Session['endpoint']>

  constructor(session: Session<PostgresSettings>, credential: CredentialName | null) {
    const endpoint = session.endpoint()
    this.#session = session
    this.#credential = credential
    this.#host = endpoint?.settings.host ?? null
    this.#checked = endpoint
  }

  /** @throws ClawError CP_FORBIDDEN when the session must end */
  check(): void {
    const endpoint = this.#session.endpoint()
    if (endpoint === null) throw over('the endpoint is no longer in the policy')
    if (endpoint === this.#checked) return
    if (endpoint.settings.host !== this.#host) throw over('the endpoint leads to another server now')
    const isGranted = this.#credential === null || endpoint.credentials.some(({ name }) => name === this.#credential)
    if (!isGranted) throw over(`credential "${this.#credential}" may no longer be used`)
    this.#checked = endpoint
  }
}

function over(because: string): ClawError {
  return new ClawError('CP_FORBIDDEN', `clawpatrol ends the session: ${because}`)
}
