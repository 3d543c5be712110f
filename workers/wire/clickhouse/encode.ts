import { ByteSink } from './byte-sink.ts'
import { since } from './revisions.ts'

/** What a client sends after the two Hellos; nothing below the revision that has it. */
export function addendum(revision: number, quotaKey: string): Buffer {
  return revision >= since.addendum ? new ByteSink().text(quotaKey).whole() : Buffer.alloc(0)
}

/** A client's packet that asks to stop the statement that runs. */
export function cancelPacket(): Buffer {
  return new ByteSink().varint(3).whole()
}

/** A server's packet that ends a statement. */
export function endOfStreamPacket(): Buffer {
  return new ByteSink().varint(5).whole()
}

/** A server's answer to a Ping. */
export function pongPacket(): Buffer {
  return new ByteSink().varint(4).whole()
}
