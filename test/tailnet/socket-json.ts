import { request } from 'node:http'

/** An answer over a Unix socket. */
export interface SocketReply {
  readonly status: number
  /** The parsed body; null where there is none. */
  readonly body: unknown
}

/** Where and what to ask. */
export interface SocketRequest {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
}

/** One request to a server in whatever network namespace: a socket with a path is reached from all of them. */
export function askSocket({ socketPath, method, path, headers, body }: SocketRequest): Promise<SocketReply> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers: { ...headers }, timeout: 10_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) })
      })
    })
    asking.on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer`)))
    asking.on('error', reject)
    asking.end(body)
  })
}
