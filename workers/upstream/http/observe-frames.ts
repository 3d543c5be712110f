import type { Action } from '../../contract/action.ts'
import type { Session } from '../../contract/plugin.ts'
import { FrameReader } from '../../wire/websocket-frames.ts'

/** Bytes of a text frame that are recorded. */
const sampleBytes = 512

interface FrameObservers {
  readonly up: (chunk: Buffer) => string | null
  readonly down: (chunk: Buffer) => string | null
}

/**
 * Records the text messages that pass on a WebSocket.
 * @param extensions value of the response's Sec-WebSocket-Extensions
 */
export function observeFrames(session: Session, action: Action, extensions: string): FrameObservers {
  const observer = (direction: 'up' | 'down') => {
    const reader = new FrameReader({
      isMasked: direction === 'up',
      compression: compressionOf(extensions, direction),
      text: (bytes, total) => session.frame(action, direction, bytes.subarray(0, sampleBytes), total),
    })
    return (chunk: Buffer) => reader.feed(chunk)
  }
  return { up: observer('up'), down: observer('down') }
}

/** @see RFC 7692 section 7.1.1 */
function compressionOf(extensions: string, direction: 'up' | 'down'): 'none' | 'fresh' | 'carried' {
  const offer = extensions
    .toLowerCase()
    .split(',')
    .find((each) => each.trim().startsWith('permessage-deflate'))
  if (offer === undefined) return 'none'
  const name = direction === 'up' ? 'client_no_context_takeover' : 'server_no_context_takeover'
  return offer.includes(name) ? 'fresh' : 'carried'
}
