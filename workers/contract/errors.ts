/** Every failure clawpatrol names. The message says which action failed and what state was found. */
export type FaultCode =
  | 'CP_LIMIT'
  | 'CP_PROTOCOL'
  | 'CP_TLS'
  | 'CP_UPSTREAM'
  | 'CP_SECRET'
  | 'CP_FORBIDDEN'
  | 'CP_TIMEOUT'
  | 'CP_CANCELLED'
  | 'CP_HOST_LOST'
  | 'CP_CONFIG'
  | 'CP_STORE'
  | 'CP_NATIVE'
  | 'CP_CAPTURE'
  | 'CP_ONBOARD'
  | 'CP_INTERNAL'

/** An error as it crosses threads: structured clone drops subclasses. */
export interface Fault {
  readonly code: FaultCode
  readonly message: string
}

/**
 * The one error class of the project.
 * @param message action that failed, quoted value, state found; no full stop; never a secret, header value or body
 */
export class ClawError extends Error {
  readonly code: FaultCode
  /** The next thing to type or to look at. */
  readonly hint: string | null

  constructor(code: FaultCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ClawError'
    this.code = code
    this.hint = options.hint ?? null
  }
}

/** Flattens anything thrown into data that may cross threads. */
export function toFault(error: unknown): Fault {
  if (error instanceof ClawError) return { code: error.code, message: error.message }
  return { code: 'CP_INTERNAL', message: error instanceof Error ? error.message : String(error) }
}

/** The reverse of `toFault`. */
export function fromFault(fault: Fault): ClawError {
  return new ClawError(fault.code, fault.message)
}
