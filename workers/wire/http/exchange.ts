import type { Duplex } from 'node:stream'
import type { Body, BodySink } from './body.ts'
import type { BadMessage } from './head-lines.ts'
import type { HeaderList } from './header-list.ts'
import type { RequestHead } from './request-head.ts'

/** A response to the agent. `headers` are end-to-end ones; a Content-Length among them must be true. */
export interface Outgoing {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  /** Bytes of the body; null: known at its end; `none`: it has none whatever the headers say (HEAD, 204, 304). */
  readonly length: number | null | 'none'
}

/** One request of the agent and the way to answer it, over HTTP/1.1 or HTTP/2. */
export interface Exchange {
  readonly head: RequestHead
  readonly body: Body
  /** Called once when the agent does not want the answer any more. */
  onGone: ((because: string) => void) | null
  /** Whether the final response was begun. */
  readonly isAnswered: boolean
  /** Asks for the body where the agent waits for `100 Continue`. */
  invite(): void
  /** An informational response. */
  inform(status: number, headers: HeaderList): void
  /** Begins the final response. A request body nobody took is dropped. */
  respond(response: Outgoing): BodySink
  /** Sends a 101 head and hands the connection over with the bytes that came after the request; null over HTTP/2. */
  upgrade(response: Outgoing): { readonly socket: Duplex; readonly early: Buffer } | null
  /** Breaks off without an answer, or in the middle of one. */
  abort(): void
}

/** Who serves the exchanges of an agent's connection. */
export interface ExchangeHandler {
  begin(exchange: Exchange): void
  /** Answer for a message that cannot be read; the connection closes after it. */
  refuse(problem: BadMessage): { readonly response: Outgoing; readonly body: Buffer }
}
