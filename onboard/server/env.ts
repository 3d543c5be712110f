import type { Hono, MiddlewareHandler } from 'hono'
import type { KnownDevice, RequestOrigin } from './ports.ts'

/** What comes with a request besides the request: the listener says it. */
export interface OnboardEnv {
  readonly Bindings: RequestOrigin
  readonly Variables: {
    /** The device whose token came with the request. */
    readonly caller: KnownDevice
  }
}

/** An app as a function from request and origin to response. Exact paths; anything else is one and the same 404. */
export type OnboardApp = Hono<OnboardEnv>

/** Lets a request through that carries a device's token, from where that device may ask. */
export type DeviceGuard = MiddlewareHandler<OnboardEnv>
