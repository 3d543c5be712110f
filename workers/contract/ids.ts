declare const brand: unique symbol

/** A value of type T that only code naming N may stand for: ids and units cannot be mixed up. */
export type Branded<T, N extends string> = T & { readonly [brand]: N }

/** One TCP flow through the gateway, unique for the gateway's life and across restarts. */
export type FlowId = Branded<string, 'FlowId'>
/** One judged action; a UUIDv7, so that ids sort by time. */
export type ActionId = Branded<string, 'ActionId'>
export type DeviceId = Branded<string, 'DeviceId'>
export type ProfileName = Branded<string, 'ProfileName'>
export type EndpointName = Branded<string, 'EndpointName'>
export type CredentialName = Branded<string, 'CredentialName'>
export type RuleName = Branded<string, 'RuleName'>
export type ApproverName = Branded<string, 'ApproverName'>
export type TunnelName = Branded<string, 'TunnelName'>

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Branded<number, 'EpochMs'>
/** An open file descriptor of this process. Has exactly one owner at any time. */
export type Fd = Branded<number, 'Fd'>

/** A transport address; `host` is an IP literal without brackets unless a doc says it may be a name. */
export interface Address {
  readonly host: string
  readonly port: number
}
