import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { controlSocket } from './control-socket.ts'
import { encodeFrame, FrameReader } from './frame.ts'
import { decodeRequest, protocolVersion, type Reply, type Request, type TunnelSettings } from './protocol.ts'

/** What a stand-in does instead of what the app does: a reply, raw bytes, or nothing at all. */
export type Odd = (request: Request) => Reply | Buffer | 'silence' | 'hangup' | null | Promise<null>

/** A tree of processes that the app was told to capture. */
export interface CapturedTree {
  readonly pid: number
  /** Ticks since boot, which is what Linux has. */
  readonly startedUs: number
  /** What the process was when it was registered. */
  readonly wordsThen: readonly string[]
  /** No tunnel any more: its flows are refused, and never let through. */
  isCutOff: boolean
}

interface Tunnel {
  readonly id: string
  readonly settings: TunnelSettings
  readonly owner: Socket
}

/**
 * Stands in for Clawpatrol.app on a system without it: everything README.md asks of the app but packets. It keeps the
 * app's rules, so that a client which breaks one is refused here as well.
 */
export class StandIn implements AsyncDisposable {
  /** Holds the control socket where that of a user is. */
  readonly home = mkdtempSync(join(tmpdir(), 'clawpatrol-mac-'))
  readonly path = controlSocket(this.home)
  /** Every request, in order. */
  readonly asked: Request[] = []
  readonly tunnels = new Map<string, Tunnel>()
  readonly trees: CapturedTree[] = []
  /** Where `dial` leads, whatever the address. */
  dialPort = 0
  extension: 'active' | 'unapproved' | 'absent' = 'active'
  odd: Odd = () => null
  readonly #server = createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()

  async listen(): Promise<this> {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 })
    this.#server.listen(this.path)
    await once(this.#server, 'listening')
    chmodSync(this.path, 0o600)
    return this
  }

  /** The app is gone at once, as when it crashes. */
  async crash(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.crash()
    rmSync(this.home, { recursive: true, force: true })
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const frames = new FrameReader()
    let isGreeted = false
    const onData = (chunk: Buffer) => {
      try {
        const { body, rest } = frames.take(chunk)
        if (body === null) return
        const request = decodeRequest(body)
        if (!isGreeted && request.kind !== 'hello') throw new Error('no hello')
        isGreeted = true
        this.asked.push(request)
        void this.#answer(socket, request, () => socket.off('data', onData))
        if (rest.length > 0) onData(rest)
      } catch {
        socket.destroy()
      }
    }
    socket.on('data', onData)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      for (const { id, owner } of this.tunnels.values()) if (owner === socket) this.#cut(id)
    })
  }

  async #answer(socket: Socket, request: Request, release: () => void): Promise<void> {
    const odd = await this.odd(request)
    if (odd === 'silence') return
    if (odd === 'hangup') socket.destroy()
    else if (Buffer.isBuffer(odd)) socket.write(odd)
    else if (odd !== null) socket.write(encodeFrame(odd))
    else if (request.kind === 'dial') this.#dial(socket, request.tunnel, release)
    else socket.write(encodeFrame(this.#reply(socket, request)))
  }

  #reply(socket: Socket, request: Exclude<Request, { kind: 'dial' }>): Reply {
    switch (request.kind) {
      case 'hello':
        return { kind: 'welcome', protocol: protocolVersion, app: '0.1.0', extension: this.extension }
      case 'start':
        return this.#start(socket, request.tunnel)
      case 'register':
        return this.#register(socket, request)
      case 'unregister': {
        const tree = this.trees.find(({ pid, startedUs }) => pid === request.pid && startedUs === request.startedUs)
        if (tree === undefined) return refused('no-process', 'it was never registered')
        tree.isCutOff = true
        return { kind: 'unregistered' }
      }
      case 'status':
        return {
          kind: 'state',
          tunnels: [...this.tunnels.values()].map(({ settings }) => ({
            kind: settings.kind,
            isUp: true,
            ...addressesOf(settings),
            processes: this.trees.filter(({ isCutOff }) => !isCutOff).length,
          })),
        }
      case 'stop':
        if (this.tunnels.get(request.tunnel)?.owner !== socket) return refused('no-tunnel', 'no such tunnel')
        this.#cut(request.tunnel)
        return { kind: 'stopped' }
      case 'wipe':
        for (const id of this.tunnels.keys()) this.#cut(id)
        return { kind: 'wiped' }
      default:
        return request satisfies never
    }
  }

  #start(owner: Socket, settings: TunnelSettings): Reply {
    const id = (this.tunnels.size + 1).toString(16).padStart(32, 'c')
    this.tunnels.set(id, { id, settings, owner })
    return { kind: 'started', tunnel: id, ...addressesOf(settings) }
  }

  #register(socket: Socket, { tunnel, pid }: Extract<Request, { kind: 'register' }>): Reply {
    if (this.tunnels.get(tunnel)?.owner !== socket) return refused('no-tunnel', 'no such tunnel')
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const startedUs = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
      const wordsThen = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
      this.trees.push({ pid, startedUs, wordsThen, isCutOff: false })
      return { kind: 'registered', startedUs }
    } catch {
      return refused('no-process', `there is no process ${pid}`)
    }
  }

  #dial(socket: Socket, tunnel: string, release: () => void): void {
    if (!this.tunnels.has(tunnel)) {
      socket.write(encodeFrame(refused('no-tunnel', 'no such tunnel')))
      return
    }
    const way = connect(this.dialPort, '127.0.0.1', () => {
      release()
      socket.write(encodeFrame({ kind: 'dialed' } satisfies Reply))
      socket.pipe(way).pipe(socket)
    })
    way.on('error', () => {
      socket.write(encodeFrame(refused('failed', 'connection refused')))
    })
  }

  #cut(id: string): void {
    this.tunnels.delete(id)
    for (const tree of this.trees) tree.isCutOff = true
  }
}

function refused(code: 'no-tunnel' | 'no-process' | 'failed', message: string): Reply {
  return { kind: 'refused', code, message }
}

function addressesOf(settings: TunnelSettings): { readonly address4: string; readonly address6: string | null } {
  if (settings.kind === 'tailnet') return { address4: '100.64.1.1', address6: 'fd7a:115c:a1e0::101' }
  return { address4: settings.address4, address6: settings.address6 }
}
