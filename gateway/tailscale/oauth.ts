import { ClawError } from '../../workers/contract/errors.ts'
import { tokenAnswer } from './answers.ts'
import { askApi, refusalText } from './http.ts'

/** An OAuth client of the tailnet. */
export interface OauthClient {
  readonly clientId: string
  readonly clientSecret: string
}

/** Access tokens, one at a time. */
export interface Tokens {
  /** One that is good for another minute; asked for when there is none. */
  get(signal: AbortSignal): Promise<string>
  /** It was refused: the next call gets another. */
  drop(token: string): void
  /** Tokens that may be in an answer. */
  seen(): readonly string[]
}

/** A token is not used in its last minute: it must not end on its way. */
const marginMs = 60_000
const maxBytes = 64 * 1024

/**
 * Tokens of an OAuth client, kept until a minute before they expire.
 * @param now a clock nobody sets, ms
 */
export function oauthTokens(
  { apiUrl, oauth }: { readonly apiUrl: string; readonly oauth: OauthClient },
  now: () => number = () => performance.now(),
): Tokens {
  let kept: { readonly token: string; readonly until: number } | null = null

  const ask = async (signal: AbortSignal): Promise<string> => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: oauth.clientId,
      client_secret: oauth.clientSecret,
    })
    const reply = await askApi({
      what: 'oauth',
      method: 'POST',
      url: `${apiUrl}/api/v2/oauth/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
      maxBytes,
      signal,
    })
    if (reply.status !== 200) throw new ClawError('CP_ONBOARD', refusalText('oauth', reply, [oauth.clientSecret]))
    const parsed = tokenAnswer.safeParse(jsonOf(reply.text))
    if (!parsed.success) throw new ClawError('CP_ONBOARD', 'tailscale oauth: the answer has no access token')
    const { access_token: token, expires_in: seconds } = parsed.data
    kept = { token, until: now() + seconds * 1000 - marginMs }
    return token
  }

  return {
    get: async (signal) => (kept !== null && kept.until > now() ? kept.token : ask(signal)),
    drop: (token) => {
      if (kept?.token === token) kept = null
    },
    seen: () => (kept === null ? [] : [kept.token]),
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
