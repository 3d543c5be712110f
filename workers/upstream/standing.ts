import { ClawError } from '../contract/errors.ts'
import type { CredentialName } from '../contract/ids.ts'
import type { Session } from '../contract/plugin.ts'

/** What a session was opened with: while the policy changes, it may go on only as long as this holds. */
export class Standing<Settings> {
  readonly #session: Pick<Session<Settings>, 'endpoint'>
  readonly #credential: CredentialName | null
  readonly #serverOf: (settings: Settings) => string
  readonly #server: string | null
  #checked: ReturnType<Session<Settings>['endpoint']>

  /** @param serverOf names the server that settings lead to, and how it is reached */
  constructor(
    session: Pick<Session<Settings>, 'endpoint'>,
    credential: CredentialName | null,
    serverOf: (settings: Settings) => string,
  ) {
    const endpoint = session.endpoint()
    this.#session = session
    this.#credential = credential
    this.#serverOf = serverOf
    this.#server = endpoint === null ? null : serverOf(endpoint.settings)
    this.#checked = endpoint
  }

  /** @throws ClawError CP_FORBIDDEN when the session must end */
  check(): void {
    const endpoint = this.#session.endpoint()
    if (endpoint === null) throw over('the endpoint is no longer in the policy')
    if (endpoint === this.#checked) return
    if (this.#serverOf(endpoint.settings) !== this.#server) throw over('the endpoint leads to another server now')
    const isGranted = this.#credential === null || endpoint.credentials.some(({ name }) => name === this.#credential)
    if (!isGranted) throw over(`credential "${this.#credential}" may no longer be used`)
    this.#checked = endpoint
  }
}

function over(because: string): ClawError {
  return new ClawError('CP_FORBIDDEN', `clawpatrol ends the session: ${because}`)
}
