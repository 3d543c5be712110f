import { isIP, isIPv4, isIPv6 } from 'node:net'
import { ClawError } from '../../../workers/contract/errors.ts'
import { type Check, type Fields, fields, integer, listOf, oneOf, orNull, text, truth, variant } from './shape.ts'

/** Version of the protocol between clawpatrol and Clawpatrol.app; both ends refuse any other. */
export const protocolVersion = 1

/** What a tunnel is made of. It has keys in it: it goes over the control socket and nowhere else. */
export type TunnelSettings =
  | {
      readonly kind: 'wireguard'
      /** base64 */
      readonly privateKey: string
      /** base64 */
      readonly serverPublicKey: string
      /** `address:port`, IPv6 in brackets. */
      readonly endpoint: string
      readonly address4: string
      readonly address6: string | null
      readonly mtu: number
      readonly dns: readonly string[]
      readonly keepaliveS: number
    }
  | {
      readonly kind: 'tailnet'
      readonly authKey: string
      /** Empty: the default service. */
      readonly controlUrl: string
      /** The exit node, and the name server. */
      readonly gatewayIp: string
      readonly hostname: string
    }

/** What clawpatrol asks; each is answered before the next. */
export type Request =
  | { readonly kind: 'hello'; readonly protocol: number; readonly client: string }
  | { readonly kind: 'start'; readonly tunnel: TunnelSettings }
  | { readonly kind: 'register'; readonly tunnel: string; readonly pid: number }
  | { readonly kind: 'unregister'; readonly tunnel: string; readonly pid: number; readonly startedUs: number }
  | {
      readonly kind: 'dial'
      readonly tunnel: string
      readonly host: string
      readonly port: number
      readonly timeoutMs: number
    }
  | { readonly kind: 'status' }
  | { readonly kind: 'stop'; readonly tunnel: string }
  | { readonly kind: 'wipe' }

/** One tunnel of this user, without what would give a hold on it. */
export interface TunnelStatus {
  readonly kind: 'wireguard' | 'tailnet'
  readonly isUp: boolean
  readonly address4: string
  readonly address6: string | null
  /** Registered and not ended. */
  readonly processes: number
}

/** What the app answers. */
export type Reply =
  | {
      readonly kind: 'welcome'
      readonly protocol: number
      readonly app: string
      readonly extension: 'active' | 'unapproved' | 'absent'
    }
  | { readonly kind: 'started'; readonly tunnel: string; readonly address4: string; readonly address6: string | null }
  | { readonly kind: 'registered'; readonly startedUs: number }
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'dialed' }
  | { readonly kind: 'state'; readonly tunnels: readonly TunnelStatus[] }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'wiped' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }

/** Why the app refuses; those with `tailnet-` are what keeps a node out of its tailnet. */
export const refusalCodes = [
  'version',
  'extension',
  'forbidden',
  'no-tunnel',
  'no-process',
  'limit',
  'failed',
  'tailnet-setup',
  'tailnet-unreachable',
  'tailnet-refused',
  'tailnet-unapproved',
  'tailnet-invisible',
  'tailnet-exit-node',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

type Shapes<M extends { readonly kind: string }> = {
  readonly [K in M['kind']]: Fields<Omit<Extract<M, { readonly kind: K }>, 'kind'>>
}

const tunnelId = text(/^[0-9a-f]{32}$/)
const key = text(/^[A-Za-z0-9+/]{43}=$/)
const label = text(/^[\x20-\x7e]{1,64}$/)
const address = text((value) => isIP(value) !== 0)
const address4 = text(isIPv4)
const address6 = orNull(text(isIPv6))
const pid = integer(2, 0x7fff_ffff)
const startedUs = integer(1, Number.MAX_SAFE_INTEGER)

const tunnelShapes: Shapes<TunnelSettings> = {
  wireguard: {
    privateKey: key,
    serverPublicKey: key,
    endpoint: text(isEndpoint),
    address4,
    address6,
    mtu: integer(1280, 65535),
    dns: listOf(address, 4),
    keepaliveS: integer(0, 65535),
  },
  tailnet: {
    authKey: text(/^[\x21-\x7e]{1,512}$/),
    controlUrl: text((value) => value === '' || isControlUrl(value)),
    gatewayIp: address,
    hostname: text(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  },
}

/** The fields of each request, and what may be in them. */
export const requestShapes: Shapes<Request> = {
  hello: { protocol: integer(1, 0xffff), client: label },
  start: { tunnel: variant<TunnelSettings>(tunnelShapes) },
  register: { tunnel: tunnelId, pid },
  unregister: { tunnel: tunnelId, pid, startedUs },
  dial: { tunnel: tunnelId, host: address, port: integer(1, 65535), timeoutMs: integer(1, 120_000) },
  status: {},
  stop: { tunnel: tunnelId },
  wipe: {},
}

/** The fields of each reply, and what may be in them. */
export const replyShapes: Shapes<Reply> = {
  welcome: { protocol: integer(1, 0xffff), app: label, extension: oneOf(['active', 'unapproved', 'absent']) },
  started: { tunnel: tunnelId, address4, address6 },
  registered: { startedUs },
  unregistered: {},
  dialed: {},
  state: {
    tunnels: listOf(
      fields<TunnelStatus>({
        kind: oneOf(['wireguard', 'tailnet']),
        isUp: truth,
        address4,
        address6,
        processes: integer(0, 0xffff),
      }),
      64,
    ),
  },
  stopped: {},
  wiped: {},
  refused: { code: oneOf(refusalCodes), message: text(/^[^\p{Cc}]{0,300}$/u) },
}

const isRequest = variant<Request>(requestShapes)
const isReply = variant<Reply>(replyShapes)

/** Reads the body of a frame sent to the app. @throws ClawError CP_PROTOCOL */
export function decodeRequest(body: Buffer): Request {
  return decode(body, isRequest, 'request')
}

/** Reads the body of a frame sent by the app. @throws ClawError CP_PROTOCOL */
export function decodeReply(body: Buffer): Reply {
  return decode(body, isReply, 'reply')
}

function decode<V>(body: Buffer, isWhole: Check<V>, what: string): V {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // not as the cause: the parser's message quotes what it read
    throw new ClawError('CP_PROTOCOL', `Cannot read a ${what}: not JSON in UTF-8`)
  }
  if (!isWhole(value)) throw new ClawError('CP_PROTOCOL', `Cannot read a ${what}: not one of this protocol's messages`)
  return value
}

function isEndpoint(value: string): boolean {
  const [, six, four, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(value) ?? []
  const isHost = six === undefined ? isIPv4(four ?? '') : isIPv6(six)
  return isHost && Number(port) >= 1 && Number(port) <= 65535
}

function isControlUrl(value: string): boolean {
  if (value.length > 512 || !URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}
