import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Rule } from '../../../contract/profile.ts'
import { makePki, type Pki } from '../../../upstream/pki.fixture.ts'
import type { Serving } from '../../../upstream/serving.fixture.ts'
import { type GatewayParts, startGateway } from './gateway.fixture.ts'

/** A request as an agent writes it. */
export interface Asked {
  readonly method?: string
  /** Path and query as they go on the wire. */
  readonly path: string
  readonly headers?: { readonly [name: string]: string | string[] }
  readonly body?: string | Buffer
  /** `nothing`: the agent says that twice as much comes, and leaves. */
  readonly endsWith?: 'nothing'
}

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  /** false: it broke off. */
  readonly isWhole: boolean
}

/** Sends a request by HTTP/1.1 and reads its answer, as far as it comes. */
export function ask(
  options: https.RequestOptions,
  { method, path, headers = {}, body, endsWith }: Asked,
): Promise<Answer> {
  const request: typeof https.request = options.protocol === 'http:' ? http.request : https.request
  return new Promise((resolve, reject) => {
    const how = method ?? (body === undefined ? 'GET' : 'POST')
    const sent = request(
      { ...options, method: how, path, headers: { ...headers, ...sizeOf(body, endsWith === undefined ? 1 : 2) } },
      (response) => {
        const chunks: Buffer[] = []
        const settle = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
            isWhole: response.complete,
          })
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', settle).on('error', settle)
      },
    )
    sent.on('error', reject)
    if (endsWith === undefined) sent.end(body)
    else sent.write(body ?? '', () => sent.destroy(new Error('the agent left')))
  })
}

function sizeOf(body: Asked['body'], times: number): { readonly [name: string]: string } {
  return body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body) * times) }
}

/** Certificates, and files of them for a server that reads files. */
export interface LabPki extends AsyncDisposable {
  readonly pki: Pki
  readonly files: { readonly cert: string; readonly key: string }
}

/** Makes certificates for a host. */
export function makeLabPki(host: string): LabPki {
  const pki = makePki([host])
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-chh-'))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, pki.server.chain)
  writeFileSync(files.key, pki.server.key)
  return {
    pki,
    files,
    [Symbol.asyncDispose]: async () => {
      rmSync(folder, { recursive: true, force: true })
      pki[Symbol.dispose]()
    },
  }
}

/** Asks through a gateway in front of a server. */
export interface Asker extends AsyncDisposable {
  readonly gateway: Serving
  ask(asked: Asked): Promise<Answer>
}

/** Starts a gateway with these rules and an agent before it. */
export async function startAsker(parts: GatewayParts & { readonly rules: readonly Rule[] }): Promise<Asker> {
  const gateway = await startGateway(parts)
  const { host, pki } = parts
  const server = { host: '127.0.0.1', port: gateway.port, agent: false } as const
  const options =
    parts.settings?.tls === false ? { ...server, protocol: 'http:' } : { ...server, servername: host, ca: pki.ca }
  return {
    gateway,
    ask: (asked) => ask(options, { ...asked, headers: { Host: host, ...asked.headers } }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}
