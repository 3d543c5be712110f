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

/** How a device's traffic gets to the gateway. */
export const transport = z.enum(['wireguard', 'tailscale'])
export type Transport = z.output<typeof transport>

/** POST /api/onboard/start */
export const startRequest = z.object({
  hostname,
  /** Absent: WireGuard when the gateway has it, else Tailscale. */
  transport: transport.optional(),
  /** With WireGuard only, and there it must be. */
  wg_pub: publicKey.optional(),
  /** The machine itself goes through the gateway, not only what it wraps. */
  whole_machine: z.enum(['0', '1']).optional(),
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

/** POST /api/peer/tsnet/register: the node that asks is one of the device's runs. */
export const registerRequest = z.object({
  /** Made by the client; absent: the gateway makes one. */
  run_id: z.uuid().optional(),
  name: z.string().max(128).optional(),
})
/** GET /api/onboard/lookup, POST /api/onboard/approve and …/deny: what an operator says. */
export const operatorRequest = z.object({
  code: z.string().min(1).max(64),
  /** Empty or absent: the one that a look-up suggests. */
  profile: z.string().max(128).optional(),
})

/** Answer to start. */
export const startReply = z.object({
  device_code: deviceCode,
  user_code: z.string().regex(/^[A-Z]{4}-[2-9]{4}$/),
  verify_url: z.string().max(2048),
  interval: z.number().int().min(1).max(60),
  expires_in: z.number().int().min(1).max(3600),
  /** Absent: a gateway that knows WireGuard only. */
  transport: transport.optional(),
  /** SHA-256 of the gateway's CA certificate, for people to compare where the certificate itself comes later. */
  ca_fingerprint: z
    .string()
    .regex(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    .optional(),
})
const everySuccess = {
  api_token: z.string().regex(/^[A-Za-z0-9_-]{20,200}$/),
  approved_by: z.string().max(256),
  device_id: z.string().max(128),
  device_name: z.string().max(256),
}
/** Answer to poll once approved for WireGuard; everything is a string. */
export const wireguardSuccess = z.object({
  /** A wg-quick configuration with an empty PrivateKey, which the client fills in. */
  auth_key: z.string().max(8192),
  login_server: z.string().startsWith('wireguard://').max(256),
  ...everySuccess,
})
/** Answer to poll once approved for a tailnet; everything is a string. */
export const tailscaleSuccess = z.object({
  /** Lets a node into the tailnet. */
  auth_key: z.string().regex(/^[\x21-\x7e]{1,512}$/),
  login_server: z.literal(''),
  ...everySuccess,
  /** Name of the gateway's node. */
  gateway_host: z.string().max(256),
  /** Address of the gateway's node: the exit node. */
  gateway_ip: z.string().max(64),
  /** Where the gateway answers inside the tailnet. */
  gateway_url: z.string().max(256),
  /** Empty: the default service. */
  control_url: z.string().max(1024),
  ca_pem: z.string().max(16_384),
})
/** Answer to poll once approved; `login_server` tells them apart. */
export const pollSuccess = z.union([wireguardSuccess, tailscaleSuccess])
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
export type WireguardSuccess = z.output<typeof wireguardSuccess>
export type TailscaleSuccess = z.output<typeof tailscaleSuccess>
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

/** Answer to POST /api/peer/tsnet/register. */
export interface RegisterReply {
  /** Empty: the node is the device's own and no run. */
  readonly run_id: string
  readonly device_id: string
  readonly dns: readonly string[]
  /** Epoch, ms: when the auth key of the device is worthless; null: not known. */
  readonly key_expires_at: number | null
  readonly vars: readonly PushedVariable[]
}

/** Answer to POST /api/peer/tsnet/rotate-key. */
export interface RotateReply {
  readonly auth_key: string
  /** Epoch, ms; null: never. */
  readonly expires_at: number | null
}

/** Answer to GET /api/onboard/lookup. */
export interface LookupReply {
  readonly user_code: string
  readonly approved: boolean
  readonly state: string
  /** Unix time, seconds. */
  readonly created_at: number
  readonly hostname: string
  /** Address the join came from. */
  readonly source: string
  readonly transport: Transport
  readonly whole_machine: boolean
  /** Name of the device that joins again; null: a new one. */
  readonly rejoins: string | null
  readonly ca_fingerprint: string
  /** In the policy's order. */
  readonly profiles: readonly string[]
  /** Empty: the one the device has, or the policy has none. */
  readonly suggested_profile: string
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
