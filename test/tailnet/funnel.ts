import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { connect } from 'node:tls'
import { type Authority, makeAuthority } from '../support/authority.ts'
import { duplexOf } from './duplex.ts'
import type { PlainNode } from './node.ts'

/**
 * Lets a gateway serve Funnel as if it had obtained a certificate before: no authority of the internet can be asked.
 * @param dir of a gateway's lab
 * @param name of the gateway in the tailnet
 */
export function certificateFor(
  dir: string,
  name: string,
): { readonly authority: Authority; readonly gatewayEnv: NodeJS.ProcessEnv } {
  const own = join(dir, 'public-authority')
  mkdirSync(own)
  const authority = makeAuthority(own, [name])
  const kept = join(dir, 'state', 'tsnet', 'certs')
  mkdirSync(kept, { recursive: true, mode: 0o700 })
  cpSync(authority.certFile, join(kept, `${name}.crt`))
  cpSync(authority.keyFile, join(kept, `${name}.key`))
  // nobody is there to renew it, and its authority may be any
  return { authority, gatewayEnv: { TS_DEBUG_ACME_DIRECTORY_URL: 'http://127.0.0.1:1' } }
}

/** The internet as it reaches one gateway. */
export interface FunnelTo {
  /** A node of Tailscale's that brings connections in. */
  readonly relay: PlainNode
  readonly gateway: string
  readonly authority: Authority
}

/**
 * Sends bytes through TLS and yields all that is answered until the gateway closes.
 * @param source whose connection it is, address and port
 */
export async function throughFunnel({ relay, gateway, authority }: FunnelTo, source: string, bytes: string) {
  const socket = duplexOf(await relay.funnel(gateway, 443, source))
  const tls = connect({ socket, servername: gateway, ca: authority.ca, ALPNProtocols: ['http/1.1'] })
  try {
    tls.write(bytes)
    let answer = ''
    for await (const part of tls) answer += String(part)
    return answer
  } finally {
    tls.destroy()
  }
}

/** Brings whoever connects to a socket with a path to the gateway, all as one source. */
export async function openFunnel({ relay, gateway }: FunnelTo, source: string, path: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    relay.funnel(gateway, 443, source).then(
      (stream) => {
        const far = duplexOf(stream)
        pipeline(socket, far, () => undefined)
        pipeline(far, socket, () => undefined)
      },
      () => socket.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

/** The words of a program that listens at 127.0.0.1:443 and goes on to a socket with a path; it says `listening`. */
export function portalTo(path: string): readonly string[] {
  const program = `
    const net = require('node:net')
    net.createServer((near) => {
      const far = net.connect(${JSON.stringify(path)})
      for (const end of [near, far]) end.on('error', () => { near.destroy(); far.destroy() })
      near.pipe(far).pipe(near)
    }).listen(443, '127.0.0.1', () => console.log('listening'))`
  return [process.execPath, '-e', program]
}

/** Puts words before a command, for which a name is 127.0.0.1. @param dir where that is written down */
export function knowing(name: string, dir: string, words: readonly string[]): readonly string[] {
  const hosts = join(dir, 'hosts')
  writeFileSync(hosts, `127.0.0.1 ${name}\n`)
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, ...words]
}
