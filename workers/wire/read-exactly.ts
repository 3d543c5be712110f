import type { Readable } from 'node:stream'
import { ClawError } from '../contract/errors.ts'

/**
 * Takes exactly so many bytes off a stream; what follows them stays in it.
 * @throws ClawError CP_PROTOCOL when it ends before, the stream's own error, or the reason of the signal
 */
export function readExactly(stream: Readable, length: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', aborted)
      stream.off('readable', attempt).off('end', ended).off('close', ended).off('error', failed)
      settle()
    }
    const failed = (error: unknown) => finish(() => reject(error))
    const ended = () => failed(new ClawError('CP_PROTOCOL', 'the connection was closed'))
    const aborted = () => failed(signal.reason)
    const attempt = () => {
      const chunk = stream.read(length) as Buffer | null
      if (chunk === null) return
      // an ended stream gives the little it has left
      if (chunk.length < length) ended()
      else finish(() => resolve(chunk))
    }
    if (signal.aborted) return reject(signal.reason)
    if (stream.readableLength >= length && !stream.destroyed) return resolve(stream.read(length) ?? Buffer.alloc(0))
    if (stream.errored !== null) return reject(stream.errored)
    if (stream.destroyed || stream.readableEnded) return ended()
    signal.addEventListener('abort', aborted, { once: true })
    stream.on('readable', attempt).on('end', ended).on('close', ended).on('error', failed)
    attempt()
  })
}
