import { ClawError } from '../../contract/errors.ts'
import type { BodySink } from '../../wire/http/body.ts'
import { trailerFields } from '../../wire/http/filter-headers.ts'
import type { HeaderList } from '../../wire/http/header-list.ts'
import type { Sampler } from '../../wire/http/sampler.ts'
import { maskBytes, maskHeaders, openEnd, type SecretEcho } from '../secret-echo.ts'

/** What is done to a response body on its way to the agent. */
export interface ResponseSinkParts {
  readonly to: BodySink
  readonly sampler: Sampler
  /** Secret to mask in the bytes; null: they go as they are. */
  readonly echo: SecretEcho | null
  /** Most bytes the agent may get; with more the response is broken off. Absent: as many as there are. */
  readonly maxBytes?: number | undefined
  /** Called once: with null when the whole response is handed over. */
  readonly done: (error: ClawError | null) => void
}

/** Passes a response body on, samples it, and masks an echoed secret. */
export class ResponseSink implements BodySink {
  onDrain: (() => void) | null = null
  readonly #parts: ResponseSinkParts
  /** Bytes that may be the begin of a secret. */
  #held: Buffer | null = null
  #passed = 0
  #isOver = false

  constructor(parts: ResponseSinkParts) {
    this.#parts = parts
    parts.to.onDrain = () => this.onDrain?.()
  }

  write(chunk: Buffer): boolean {
    const { echo } = this.#parts
    if (echo === null) return this.#pass(chunk)
    const bytes = maskBytes(this.#held === null ? chunk : Buffer.concat([this.#held, chunk]), echo)
    const open = openEnd(bytes, echo)
    this.#held = open === 0 ? null : bytes.subarray(bytes.length - open)
    return open === bytes.length || this.#pass(open === 0 ? bytes : bytes.subarray(0, bytes.length - open))
  }

  end(trailers: HeaderList | null): void {
    const { to, echo, done } = this.#parts
    if (this.#held !== null) this.#pass(this.#held)
    if (this.#isOver) return
    this.#isOver = true
    const fields = trailers === null ? null : trailerFields(trailers)
    to.end(fields === null || echo === null ? fields : maskHeaders(fields, echo))
    done(null)
  }

  abort(error: ClawError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#parts.to.abort(error)
    this.#parts.done(error)
  }

  #pass(chunk: Buffer): boolean {
    const { to, sampler, maxBytes } = this.#parts
    if (this.#isOver) return true
    this.#passed += chunk.length
    if (maxBytes !== undefined && this.#passed > maxBytes) {
      this.abort(tooLong(maxBytes))
      return true
    }
    sampler.add(chunk)
    return to.write(chunk)
  }
}

/** Why a response is not passed on whole. */
export function tooLong(maxBytes: number): ClawError {
  return new ClawError('CP_LIMIT', `the result is longer than the ${maxBytes} bytes the rule allows`)
}

/** Whether an echo of a secret is looked for in such a body: text, whatever coding it is in. */
export function isSearchable(headers: HeaderList): boolean {
  const type = headers.get('content-type')?.toLowerCase() ?? 'text/plain'
  return /^text\/|json|xml|javascript|urlencoded|yaml|graphql/.test(type)
}
