import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: { readonly [name: string]: unknown }
  readonly body: string
}

/** What a test's API answers; undefined: nothing yet, or the test did it itself. */
export type Answer = { readonly status?: number; readonly json?: unknown; readonly text?: string } | undefined

/** An HTTP server of a test's own. */
export interface ApiServer extends AsyncDisposable {
  readonly url: string
  /** In the order they came, without those for tokens. */
  readonly seen: Seen[]
  readonly tokens: Seen[]
  /** Resolves with the first request that fits, past or future. */
  until(fits: (seen: Seen) => boolean): Promise<Seen>
}

/** Gives out tokens token-1, token-2 …; what else it answers, the test says. */
export async function apiServer(answer: (seen: Seen, response: ServerResponse) => Answer): Promise<ApiServer> {
  const seen: Seen[] = []
  const tokens: Seen[] = []
  const waiting = new Set<() => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: path = '', headers } = request
    const one: Seen = { method, path, headers, body: Buffer.concat(chunks).toString() }
    const isToken = path.endsWith('/oauth/token')
    ;(isToken ? tokens : seen).push(one)
    const found =
      answer(one, response) ??
      (isToken
        ? { json: { access_token: `token-${tokens.length}`, token_type: 'Bearer', expires_in: 3600 } }
        : undefined)
    if (found !== undefined) {
      response.writeHead(found.status ?? 200, { 'content-type': 'application/json' })
      response.end(found.text ?? JSON.stringify(found.json ?? {}))
    }
    for (const wake of waiting) wake()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    tokens,
    async until(fits) {
      for (;;) {
        const found = seen.find(fits)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })
      }
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
