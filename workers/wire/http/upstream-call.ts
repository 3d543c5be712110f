import type { Duplex } from 'node:stream'
import type { ClawError } from '../../contract/errors.ts'
import type { Body } from './body.ts'
import type { HeaderList } from './header-list.ts'
import type { ResponseHead } from './response-head.ts'

/** A request as it goes upstream. */
export interface OutgoingRequest {
  readonly method: string
  readonly target: string
  readonly authority: string
  /** End-to-end fields without Host; a Content-Length among them must be true. */
  readonly headers: HeaderList
  /** Protocol asked for, with its Connection and Upgrade fields among the headers; null: none. */
  readonly upgrade: string | null
  /**
   * When an HTTP/1.1 connection may carry another request after this one: a server that leaves a part of a body unread
   * takes that part for the next request. Absent: always.
   */
  readonly keeps?: 'after-success' | 'never'
}

/** How an upstream answers; `inform` any number of times, then exactly one of the others. */
export interface ResponseEvents {
  inform(status: number, headers: HeaderList): void
  response(head: ResponseHead, body: Body): void
  /** The upstream switched protocols; the socket belongs to the receiver. null: not expected. */
  readonly upgraded: ((head: ResponseHead, socket: Duplex, early: Buffer) => void) | null
  /** No response came. `isUntouched`: not a byte of an answer was seen; `isRefused`: the upstream did not act on it. */
  failed(error: ClawError, how: { readonly isUntouched: boolean; readonly isRefused: boolean }): void
}

/** A request under way. */
export interface UpstreamCall {
  /** Gives up: no event comes after it, a response body under way fails. */
  abort(): void
}
