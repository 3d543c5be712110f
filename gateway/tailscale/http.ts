import { ClawError } from '../../workers/contract/errors.ts'

/** One request to the API. */
export interface ApiRequest {
  /** What messages call it: `oauth`, `key`, `routes`. */
  readonly what: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
  /** Longest answer, bytes. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** What came back, whole. */
export interface ApiReply {
  readonly status: number
  readonly text: string
}

/** Part of an error's body that is told, characters. */
const toldBody = 1024

/**
 * Sends one request and reads its answer. Redirects are not followed: the next host would get the credentials.
 * @throws ClawError CP_TIMEOUT, CP_CANCELLED or CP_UPSTREAM when there is no answer, CP_ONBOARD when it is unfit
 */
export async function askApi(request: ApiRequest): Promise<ApiReply> {
  const { what, url, method, headers, body, signal } = request
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, accept: 'application/json' },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal,
    })
    const text = await bounded(response, request)
    if (response.status >= 300 && response.status < 400)
      throw new ClawError('CP_ONBOARD', `tailscale ${what} ${response.status}: redirected, which is not followed`, {
        hint: 'set api_url to where the API itself is',
      })
    return { status: response.status, text }
  } catch (error) {
    throw error instanceof ClawError ? error : unanswered(request, error)
  }
}

/**
 * An answer that says no, as a sentence: `tailscale key 400: …`.
 * @param secrets what may be echoed in the body and must not be told
 */
export function refusalText(what: string, { status, text }: ApiReply, secrets: readonly string[]): string {
  const plain = secrets.filter((secret) => secret !== '').reduce((said, secret) => said.replaceAll(secret, '•••'), text)
  const told = plain
    .replace(/\btskey-[\w-]+/g, '•••')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return `tailscale ${what} ${status}: ${told === '' ? 'no reason given' : told.slice(0, toldBody)}`
}

async function bounded(response: Response, { what, maxBytes }: ApiRequest): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // leaving the loop cancels the stream and with it the connection
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > maxBytes)
      throw new ClawError('CP_ONBOARD', `tailscale ${what}: the answer is longer than ${maxBytes / 1024} KiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unanswered({ what, url, signal }: ApiRequest, error: unknown): ClawError {
  const { host } = new URL(url)
  if (signal.aborted) {
    const late = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
    const found = late ? `no answer from ${host} in time` : 'the gateway is stopping'
    return new ClawError(late ? 'CP_TIMEOUT' : 'CP_CANCELLED', `tailscale ${what}: ${found}`, { cause: error })
  }
  const cause = (error as { cause?: { code?: unknown; message?: unknown } } | null)?.cause
  const found = String(cause?.code ?? cause?.message ?? 'the connection broke')
  return new ClawError('CP_UPSTREAM', `tailscale ${what}: cannot reach ${host}: ${found}`, { cause: error })
}
