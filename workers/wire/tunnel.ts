import type { Duplex } from 'node:stream'

/** One side of a tunnel: its socket and what was read from it already. */
export interface TunnelEnd {
  readonly socket: Duplex
  readonly early: Buffer
  /** Sees bytes before they go on; a reason in words ends the tunnel before they do. */
  readonly observe: (chunk: Buffer) => string | null
}

/** How a tunnel went. */
export interface TunnelReport {
  readonly bytesUp: number
  readonly bytesDown: number
  /** Why it broke; null when it was closed in order. */
  readonly error: string | null
}

/** A side that has closed may leave the other open for so long, ms. */
const halfClosedMs = 10_000

/** Passes bytes both ways between an agent and an upstream until both are closed. Owns both sockets. */
export function tunnel(agent: TunnelEnd, upstream: TunnelEnd, signal: AbortSignal): Promise<TunnelReport> {
  return new Promise((resolve) => {
    const bytes = { up: 0, down: 0 }
    let error: string | null = null
    let open = 2
    let timer: NodeJS.Timeout | null = null
    const end = (because: string | null) => {
      error ??= because
      agent.socket.destroy()
      upstream.socket.destroy()
    }
    const cancel = () => end('the flow was cancelled')
    const pass = (from: TunnelEnd, to: TunnelEnd, way: 'up' | 'down') => {
      const move = (chunk: Buffer) => {
        bytes[way] += chunk.length
        const because = from.observe(chunk)
        if (because !== null) return end(because)
        if (!to.socket.write(chunk)) from.socket.pause()
      }
      to.socket.on('drain', () => from.socket.resume())
      from.socket.on('error', () => undefined)
      from.socket.on('end', () => {
        to.socket.end()
        timer ??= setTimeout(end, halfClosedMs, null)
      })
      from.socket.on('close', () => {
        open -= 1
        if (!to.socket.destroyed) to.socket.end(() => to.socket.destroy())
        timer ??= setTimeout(end, halfClosedMs, null)
        if (open > 0) return
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
        resolve({ bytesUp: bytes.up, bytesDown: bytes.down, error })
      })
      if (from.early.length > 0) move(from.early)
      from.socket.on('data', move)
    }
    signal.addEventListener('abort', cancel, { once: true })
    pass(agent, upstream, 'up')
    pass(upstream, agent, 'down')
    if (signal.aborted) cancel()
    // a side that closed before it was handed over says so no more
    if (agent.socket.closed || upstream.socket.closed) end('a side was closed already')
    if (agent.socket.closed) open -= 1
    if (upstream.socket.closed) open -= 1
    if (open > 0) return
    clearTimeout(timer ?? undefined)
    resolve({ bytesUp: bytes.up, bytesDown: bytes.down, error })
  })
}
