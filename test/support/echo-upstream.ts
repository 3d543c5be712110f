import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Authority } from './authority.ts'

/** An upstream that hands back whatever credential it gets, in many forms. */
export interface EchoUpstream extends AsyncDisposable {
  readonly port: number
  /** All header values it was sent, for tests that ask whether the credential arrived. */
  readonly seen: string[]
}

/** How `/echo?as=…` writes what it was sent. */
export const echoForms = [
  'text',
  'json',
  'url',
  'hex',
  'base64',
  'base64-shifted',
  'split',
  'headers',
  'error',
] as const

/** Starts it on 127.0.0.1; it asks for a client certificate. */
export async function startEchoUpstream({ key, cert, ca }: Authority): Promise<EchoUpstream> {
  const seen: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const credentials = credentialsOf(request)
    seen.push(...credentials)
    request.resume()
    request.on('end', () => echo(new URL(request.url ?? '/', 'https://echo'), credentials.join('\n'), response))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
  return {
    port,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** Values of every header that may carry one, Basic decoded. */
function credentialsOf({ headers }: IncomingMessage): string[] {
  const { authorization = '', cookie = '' } = headers
  const basic = /^Basic (.*)$/.exec(authorization)?.[1]
  const decoded = basic === undefined ? [] : [Buffer.from(basic, 'base64').toString()]
  return [authorization, cookie, String(headers['x-api-key'] ?? ''), ...decoded].filter((value) => value !== '')
}

function echo(url: URL, text: string, response: ServerResponse): void {
  const form = (url.searchParams.get('as') ?? 'text') as (typeof echoForms)[number]
  if (form === 'split') split(response, [...text])
  else if (form === 'headers') inHeaders(response, text.replaceAll('\n', ' '))
  else {
    const type = form === 'json' ? 'application/json' : 'text/plain'
    response.writeHead(form === 'error' ? 500 : 200, { 'content-type': type })
    response.end(written(form, text))
  }
}

function written(form: Exclude<(typeof echoForms)[number], 'split' | 'headers'>, text: string): string {
  switch (form) {
    case 'text':
    case 'error':
      return `you sent ${text}\n`
    case 'json':
      return JSON.stringify({ text })
    case 'url':
      return encodeURIComponent(text)
    case 'hex':
      return Buffer.from(text).toString('hex')
    case 'base64':
      return Buffer.from(text).toString('base64')
    case 'base64-shifted':
      return Buffer.from(`x${text}`).toString('base64url')
    default:
      return form satisfies never
  }
}

/** In a header and in a trailer. */
function inHeaders(response: ServerResponse, text: string): void {
  response.writeHead(200, 'fine', { 'x-echo': text, trailer: 'x-last' })
  response.write('x')
  response.addTrailers({ 'x-last': text })
  response.end()
}

/** One character per TLS record. */
function split(response: ServerResponse, characters: string[]): void {
  response.writeHead(200, { 'content-type': 'text/plain' })
  const next = () => {
    const character = characters.shift()
    if (character === undefined) response.end()
    else response.write(character, next)
  }
  next()
}
