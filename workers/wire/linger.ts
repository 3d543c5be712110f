import type { Duplex } from 'node:stream'

/** Bytes of a peer that still sends which are read and dropped before it is cut off. */
const maxDropped = 4 * 1024 * 1024
/** Longest wait for the peer's own close, ms. */
const lingerMs = 2000

/**
 * Closes a connection so that the peer can read what was written last: closing with unread bytes would reset it,
 * and a reset takes the answer away. Owns the socket from here on.
 */
export function closeGently(socket: Duplex): void {
  if (socket.destroyed) return
  let dropped = 0
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.on('close', () => clearTimeout(timer))
  // both sides are closed once what was written is out
  const ended = () => {
    if (socket.writableFinished) socket.destroy()
    else socket.once('finish', () => socket.destroy())
  }
  if (socket.readableEnded) ended()
  else socket.on('end', ended)
  socket.removeAllListeners('data')
  socket.on('data', (chunk: Buffer) => {
    dropped += chunk.length
    if (dropped > maxDropped) socket.destroy()
  })
  socket.resume()
  socket.end()
}
