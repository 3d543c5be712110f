import { z } from 'zod'

/** Version of the messages below; both sides say it, a gateway of another one is refused by name. */
export const apiVersion = 1
/** How long a join attempt lives. */
export const attemptMs = 600_000
/** How often a client should ask, seconds. */
export const pollIntervalS = 3
/** The longest a poll may wait for a decision, seconds. */
export const longestWaitS = 20
/** Largest request body, bytes. */
export const maxBodyBytes = 64 * 1024
/** Name the gateway's own certificate carries whatever address it is dialled by. */
export const gatewayServerName = 'gateway.clawpatrol.internal'

const base64url = (bytes: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`))
const deviceCode = base64url(48)

/** A WireGuard public key, base64 of 32 bytes. */
export const publicKey = z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/)
/** A host name as devices show it. */
export const hostname = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)

/** POST /api/onboard/start */
export const startRequest = z.object({
  hostname,
  wg_pub: publicKey,
  /** base64url(SHA-256(nonce)): only who has the nonce can fetch what the attempt brings. */
  client_nonce_hash: base64url(32),
  profile: z.string().min(1).max(128).optional(),
})
/** POST /api/onboard/poll */
export const pollRequest = z.object({
  device_code: deviceCode,
  nonce: base64url(32),
  /** Seconds to wait for a decision before `authorization_pending` is answered. */
  wait_s: z.coerce.number().int().min(0).max(longestWaitS).optional(),
})
/** POST /api/onboard/claim: everything arrived and is saved. */
export const claimRequest = z.object({
  device_code: deviceCode,
  nonce: base64url(32),
  ip: z.string().max(64).optional(),
})
/** POST /api/sessions: a peer for one run. */
export const sessionRequest = z.object({ pubkey: publicKey, name: z.string().max(128).optional() })

/** Answer to start. */
export const startReply = z.object({
  device_code: deviceCode,
  user_code: z.string().regex(/^[A-Z]{4}-[2-9]{4}$/),
  verify_url: z.string().max(2048),
  interval: z.number().int().min(1).max(60),
  expires_in: z.number().int().min(1).max(3600),
})
/** Answer to poll once approved; everything is a string. */
export const pollSuccess = z.object({
  /** A wg-quick configuration with an empty PrivateKey, which the client fills in. */
  auth_key: z.string().max(8192),
  login_server: z.string().startsWith('wireguard://').max(256),
  api_token: z.string().regex(/^[A-Za-z0-9_-]{20,200}$/),
  approved_by: z.string().max(256),
  device_id: z.string().max(128),
  device_name: z.string().max(256),
})
/** Answer to poll otherwise. */
export const pollError = z.object({ error: z.string().max(64), detail: z.string().max(1024).optional() })
/** Answer to a poll. */
export const pollReply = z.union([pollSuccess, pollError])
/** GET /info */
export const infoReply = z.object({ service: z.literal('clawpatrol'), api: z.number(), ca_fingerprint: z.string() })

/** What ends or delays a poll. */
export type PollErrorCode =
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'access_denied'
  | 'already_claimed'
  | 'server_error'

export type StartRequest = z.output<typeof startRequest>
export type StartReply = z.output<typeof startReply>
export type PollSuccess = z.output<typeof pollSuccess>
export type PollReply = PollSuccess | { readonly error: PollErrorCode; readonly detail?: string }

/** A variable the gateway puts into a wrapped command's environment. Values are placeholders, never secrets. */
export interface PushedVariable {
  readonly name: string
  readonly value: string
  readonly description: string
  readonly plugin_type: string
}

/** Answer to POST /api/sessions. */
export interface SessionReply {
  readonly id: string
  readonly address: string
  readonly address6: string
  readonly server_public_key: string
  /** host:port, IPv6 in brackets. */
  readonly endpoint: string
  readonly mtu: number
  readonly dns: readonly string[]
  readonly keepalive: number
  /** Seconds after which the peer goes away unless it is heard of. */
  readonly expires_in: number
  readonly vars: readonly PushedVariable[]
}

/** Answer to GET /api/peer/self. */
export interface SelfReply {
  readonly device_id: string
  readonly name: string
  /** The policy's default when none is set. */
  readonly profile: string | null
  readonly address: string | null
  readonly ca_fingerprint: string
}
