import type { Writable } from 'node:stream'

/** Resolves when the stream takes more, or is closed. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off('drain', go).off('close', go)
      resolve()
    }
    if (stream.destroyed || !stream.writableNeedDrain) return resolve()
    stream.on('drain', go).on('close', go)
  })
}
