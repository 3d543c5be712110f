import type { Duplex } from 'node:stream'
import type { ClawError } from '../../contract/errors.ts'
import type { Body } from '../../wire/http/body.ts'
import { DecodingSink, decodedFields, decoderFor } from '../../wire/http/decoding-sink.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { responseFields } from '../../wire/http/filter-headers.ts'
import type { HeaderList } from '../../wire/http/header-list.ts'
import { isBodyless, type ResponseHead } from '../../wire/http/response-head.ts'
import type { Sampler } from '../../wire/http/sampler.ts'
import { type Forwarding, forward } from '../forward.ts'
import { maskHeaders, maskText, type SecretEcho } from '../secret-echo.ts'
import { isSearchable, ResponseSink, tooLong } from './response-sink.ts'

/** A judged request and what its answer goes through. */
export interface Relaying extends Forwarding {
  readonly exchange: Exchange
  readonly sampler: Sampler
  readonly echo: SecretEcho | null
  /** Most bytes of the answer's body the agent may get; absent: as many as there are. */
  readonly maxBytes?: number | undefined
}

/** How a relayed request ended. */
export type Relayed =
  | { readonly kind: 'answered'; readonly head: ResponseHead; readonly isWhole: boolean; readonly error: string | null }
  /** No answer came: the agent still waits for one. */
  | { readonly kind: 'failed'; readonly error: ClawError }
  /** The agent does not want the answer any more. */
  | { readonly kind: 'gone'; readonly because: string }
  | { readonly kind: 'upgraded'; readonly head: ResponseHead; readonly socket: Duplex; readonly early: Buffer }

/** Sends a request upstream and its answer, while it comes, to the agent. */
export function relay(relaying: Relaying): Promise<Relayed> {
  const { exchange } = relaying
  return new Promise((resolve) => {
    const call = forward(relaying, {
      inform: (status, headers) => exchange.inform(status, shownTo(headers, relaying.echo)),
      response: (head, body) => {
        const { maxBytes } = relaying
        if (maxBytes !== undefined && isLonger(head, body, relaying)) {
          call.abort()
          resolve({ kind: 'failed', error: tooLong(maxBytes) })
          return
        }
        answer(relaying, head, body, (error) => {
          if (error?.code === 'CP_LIMIT') call.abort()
          resolve({ kind: 'answered', head, isWhole: error === null, error: error?.message ?? null })
        })
      },
      upgraded:
        relaying.request.upgrade === null
          ? null
          : (head, socket, early) => resolve({ kind: 'upgraded', head, socket, early }),
      failed: (error) => resolve({ kind: 'failed', error }),
    })
    exchange.onGone = (because) => {
      call.abort()
      resolve({ kind: 'gone', because })
    }
  })
}

/** Whether an answer says that it is longer than it may be. */
function isLonger(head: ResponseHead, { length }: Body, { request, maxBytes }: Relaying): boolean {
  return maxBytes !== undefined && length !== null && length > maxBytes && !isBodyless(head.status, request.method)
}

/** What the agent may see of an upstream's fields. */
function shownTo(fields: HeaderList, echo: SecretEcho | null): HeaderList {
  const shown = responseFields(fields)
  return echo === null ? shown : maskHeaders(shown, echo)
}

function answer(
  { exchange, sampler, echo, request, maxBytes }: Relaying,
  head: ResponseHead,
  body: Body,
  done: (error: ClawError | null) => void,
): void {
  const { status } = head
  const reason = echo === null ? head.reason : maskText(head.reason, echo)
  sampler.describe(head.headers)
  const headers = shownTo(head.headers, echo)
  const length = isBodyless(status, request.method) ? 'none' : body.length
  const searched = echo !== null && length !== 'none' && length !== 0 && isSearchable(headers) ? echo : null
  const decoder = searched === null ? null : decoderFor(status, headers)
  if (decoder !== null) {
    const to = exchange.respond({ status, reason, headers: decodedFields(headers), length: null })
    body.pipe(new DecodingSink(new ResponseSink({ to, sampler, echo: searched, maxBytes, done }), decoder))
    return
  }
  // once: the same length may have been announced twice
  const fields = length === 'none' ? headers : headers.filter(({ lower }) => lower !== 'content-length')
  const to = exchange.respond({ status, reason, headers: fields, length })
  body.pipe(new ResponseSink({ to, sampler, echo: searched, maxBytes, done }))
}
