import type { Http2Stream } from 'node:http2'

/**
 * Ends a stream so that the peer sees that it broke off. `close(code)` alone would not do: where no bytes wait to be
 * written, Node ends the body in order before the RST_STREAM, and half a message looks like a whole one.
 * @param code for a stream whose own side has ended already
 */
export function resetStream(stream: Http2Stream, code: number): void {
  if (stream.destroyed) return
  if (stream.writableEnded) stream.close(code)
  else stream.destroy(new Error('the body broke off'))
}
