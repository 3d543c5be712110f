/**
 * How a credential of a type is connected by signing in at its provider instead of pasting a secret. Plain data that one
 * engine can drive; nothing in it is secret: client ids of public clients are not.
 */
export type OAuth = AuthorizationCodeFlow | DeviceFlow

/** Sign in with a browser; the provider hands a code to the redirect address (RFC 6749 section 4.1). */
export interface AuthorizationCodeFlow extends OAuthCommon {
  readonly flow: 'authorization_code'
  readonly client: PublicClient | RegisteredClient
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** Where the provider sends the browser. The operator pastes the code, or the whole address it ended at. */
  readonly redirectUrl: string
  /** Proof key for the code, RFC 7636. */
  readonly pkce: 'S256'
}

/** Type a short code on another device; the token is polled for (RFC 8628, or what a provider made of it). */
export interface DeviceFlow extends OAuthCommon {
  readonly flow: 'device'
  /** rfc8628: the poll answers the token. exchange: it answers a code that is exchanged at `exchange`. */
  readonly dialect: 'rfc8628' | 'exchange'
  readonly client: PublicClient
  readonly startUrl: string
  readonly pollUrl: string
  readonly exchange: { readonly tokenUrl: string; readonly redirectUrl: string } | null
}

/** A client everybody may be: its id is published by its maker. */
export interface PublicClient {
  readonly kind: 'public'
  readonly id: string
}

/** A client that registers itself before the first sign-in (RFC 7591). */
export interface RegisteredClient {
  readonly kind: 'registered'
  readonly registerUrl: string
}

interface OAuthCommon {
  /** Always asked for. */
  readonly scopes: readonly string[]
  /** Offered to the operator who connects it, none chosen. */
  readonly optionalScopes: readonly OptionalScope[]
  /** Variable of the gateway that may give the first refresh token; null: none. */
  readonly refreshTokenVariable: string | null
}

/** A scope an operator may add when connecting. */
export interface OptionalScope {
  readonly scope: string
  readonly doc: string
}
