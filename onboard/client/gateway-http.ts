import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import { ClawError } from '../../workers/contract/errors.ts'

/**
 * How the gateway proves who it is: `pinned` by the CA of the join, `system` by a public authority,
 * `none` not at all (plain HTTP, only when a person insisted), `unverified` TLS whose certificate nobody checks.
 */
export type Trust = 'pinned' | 'system' | 'none' | 'unverified'

/** Where a gateway is and how it is believed. */
export interface GatewayAddress {
  /** `http://…` or `https://…` without path. */
  readonly url: string
  readonly trust: Trust
  /** PEM, for `pinned`. */
  readonly ca: string | null
}

/** One request to the gateway. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly token?: string
  readonly body?: unknown
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** What it answered. */
export interface Reply {
  readonly status: number
  readonly text: string
}

/** A way to ask one gateway that keeps its connection for the next request. Close it. */
export interface GatewayHttp {
  /** @throws ClawError CP_ONBOARD when there is no answer in time, or it is longer than 256 KiB */
  ask(ask: Ask): Promise<Reply>
  close(): void
}

/** Name in the gateway's own certificate, whatever address it is dialled by; as in protocol.ts, which needs zod. */
const serverName = 'gateway.clawpatrol.internal'
const maxReplyBytes = 256 * 1024

/** Opens a connection to a gateway in another way than this machine's own network. */
export type Connect = () => Promise<Duplex>

/**
 * Opens a way to ask a gateway.
 * @param connect instead of a connection over this machine's own network
 */
export async function gatewayHttp(address: GatewayAddress, connect?: Connect): Promise<GatewayHttp> {
  const url = new URL(address.url)
  const isTls = address.trust !== 'none'
  // node:tls takes its time to load: not for plain HTTP
  const https = isTls ? await import('node:https') : null
  const agent = https === null ? new HttpAgent({ keepAlive: true }) : new https.Agent({ keepAlive: true })
  if (connect !== undefined) agent.createConnection = connector(isTls ? await overTls(address, connect) : connect)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const base: RequestOptions = { host: url.hostname.replace(/^\[|\]$/g, ''), port, agent, setHost: false }
  const request = https === null ? httpRequest : https.request
  return {
    ask(ask) {
      const body = ask.body === undefined ? null : JSON.stringify(ask.body)
      const options = {
        ...base,
        ...tlsOptions(address),
        method: ask.method,
        path: ask.path,
        headers: {
          host: url.host,
          ...(ask.token === undefined ? {} : { authorization: `Bearer ${ask.token}` }),
          ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      }
      return new Promise((resolve, reject) => {
        const outgoing = request(options)
        const interrupt = () => fail(new Error('interrupted'))
        const settle = () => {
          clearTimeout(timer)
          ask.signal?.removeEventListener('abort', interrupt)
        }
        const fail = (error: Error) => {
          settle()
          outgoing.destroy()
          reject(noAnswer(address.url, error))
        }
        const timer = setTimeout(() => fail(new Error(`no answer in ${ask.timeoutMs / 1000} s`)), ask.timeoutMs)
        ask.signal?.addEventListener('abort', interrupt, { once: true })
        if (ask.signal?.aborted === true) interrupt()
        outgoing.on('error', fail)
        outgoing.once('response', (response) => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > maxReplyBytes) fail(new Error('the answer is too long'))
            else chunks.push(chunk)
          })
          response.on('error', fail)
          response.once('end', () => {
            settle()
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
          })
        })
        outgoing.end(body ?? undefined)
      })
    },
    close: () => agent.destroy(),
  }
}

function connector(connect: Connect): HttpAgent['createConnection'] {
  return (_options, done) => {
    connect().then(
      (stream) => done?.(null, stream),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }
}

async function overTls(address: GatewayAddress, connect: Connect): Promise<Connect> {
  const tls = await import('node:tls')
  const { hostname } = new URL(address.url)
  return async () =>
    tls.connect({ servername: hasName(hostname) ? hostname : '', ...tlsOptions(address), socket: await connect() })
}

/** Whether a failure means that the certificate is of an authority this machine does not know. */
export function isUnknownAuthority(error: unknown): boolean {
  const code = ((error as { cause?: { code?: unknown } }).cause?.code ?? '') as string
  return [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ].includes(code)
}

/** The JSON object in a reply; null when there is none. */
export function jsonOf(reply: Reply): { readonly [field: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(reply.text)
    return typeof value === 'object' && value !== null ? (value as { readonly [field: string]: unknown }) : null
  } catch {
    return null
  }
}

function tlsOptions({ trust, ca, url }: GatewayAddress): object {
  switch (trust) {
    case 'none':
    case 'system':
      return {}
    case 'pinned':
      return { ca: ca ?? '', servername: serverName, rejectUnauthorized: true }
    case 'unverified':
      return { rejectUnauthorized: false, servername: hasName(new URL(url).hostname) ? undefined : '' }
    default:
      return trust satisfies never
  }
}

function hasName(hostname: string): boolean {
  return /[a-z]/i.test(hostname)
}

function noAnswer(url: string, error: Error): ClawError {
  const [found, hint] = faultOf(error)
  return new ClawError('CP_ONBOARD', `Cannot reach the gateway at ${url}: ${found}`, { cause: error, hint })
}

function faultOf({ message, code }: NodeJS.ErrnoException): readonly [found: string, hint: string] {
  const alert = /alert ([a-z ]+):/.exec(message)?.[1]
  if (alert !== undefined)
    return [`it ended the TLS handshake (${alert})`, 'it may not have its certificate yet: try again in a minute']
  const found = code === 'ECONNREFUSED' ? 'nothing listens there' : code === 'ENOTFOUND' ? 'no such host' : message
  return [found, 'is the gateway running, and reachable from here?']
}
