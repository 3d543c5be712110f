import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import type { GatewayAddress, Trust } from './gateway-http.ts'

/** Version of config.json. */
export const identityVersion = 1

/** What this machine is to its gateway, from the files of the last join. */
export interface Identity {
  readonly dir: string
  readonly gateway: GatewayAddress
  readonly token: string
  readonly deviceId: string
  readonly deviceName: string
  /** SHA-256 of the CA certificate's DER, upper-case hex pairs joined by colons. */
  readonly caFingerprint: string
  readonly caFile: string
  /** Where the machine's roots and the CA are put together. */
  readonly bundleFile: string
  /** The CA, PEM. */
  readonly ca: string
  /** How runs get into the tailnet; null: the join was for WireGuard. */
  readonly tailnet: TailnetIdentity | null
}

/** What a run needs to be a node of the tailnet. */
export interface TailnetIdentity {
  readonly gatewayIp: string
  /** Where the gateway answers inside the tailnet, `http://…`. */
  readonly gatewayUrl: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** Lets one node after the other in, until it expires. */
  readonly authKey: string
}

/** An identity whose runs are nodes of a tailnet. */
export type TailnetMember = Identity & { readonly tailnet: TailnetIdentity }

/** Names of the files in the identity directory. */
export const identityFiles = {
  config: 'config.json',
  gateway: 'gateway',
  ca: 'ca.crt',
  bundle: 'ca-bundle.crt',
  token: 'api-token',
  mode: 'mode',
  authKey: 'tsnet-auth-key',
  wireguard: 'wg.conf',
  journal: 'install.json',
} as const

/** Thrown when there is no usable join; commands end with exit code 2. */
export class NotJoined extends ClawError {
  constructor(file: string, found: string) {
    super('CP_ONBOARD', `This machine has not joined a gateway: ${JSON.stringify(file)} ${found}`, {
      hint: 'run clawpatrol join <gateway-url>',
    })
  }
}

/** Where the identity is: CLAWPATROL_DIR, or `.clawpatrol` in the home directory. */
export function identityDir(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env.CLAWPATROL_DIR
  return chosen !== undefined && chosen !== '' ? chosen : join(env.HOME ?? homedir(), '.clawpatrol')
}

/**
 * Reads the identity of this machine.
 * @throws NotJoined naming the file that is missing or broken
 */
export function loadIdentity(dir: string): Identity {
  const path = (name: keyof typeof identityFiles) => join(dir, identityFiles[name])
  const config = parseConfig(path('config'), read(path('config')))
  const ca = read(path('ca'))
  const { tailnet } = config
  return {
    dir,
    gateway: { url: config.gateway, trust: config.tls, ca: config.tls === 'pinned' ? ca : null },
    token: read(path('token')).trim(),
    deviceId: config.device_id,
    deviceName: config.device_name,
    caFingerprint: config.ca_fingerprint,
    caFile: path('ca'),
    bundleFile: path('bundle'),
    ca,
    tailnet:
      tailnet === undefined
        ? null
        : {
            gatewayIp: tailnet.gateway_ip,
            gatewayUrl: tailnet.gateway_url,
            controlUrl: tailnet.control_url,
            authKey: read(path('authKey')).trim(),
          },
  }
}

/** What config.json says. */
export interface IdentityConfig {
  readonly schema_version: typeof identityVersion
  readonly gateway: string
  readonly tls: Exclude<Trust, 'unverified'>
  readonly mode: 'wireguard' | 'tailscale'
  /** With mode `tailscale` only. */
  readonly tailnet?: { readonly gateway_ip: string; readonly gateway_url: string; readonly control_url: string }
  readonly device_id: string
  readonly device_name: string
  readonly ca_fingerprint: string
  readonly joined_at: string
}

function parseConfig(path: string, text: string): IdentityConfig {
  try {
    const config = JSON.parse(text) as IdentityConfig
    if (config.schema_version !== identityVersion) throw new NotJoined(path, 'is of another version of clawpatrol')
    const texts = [config.gateway, config.device_id, config.device_name, config.ca_fingerprint]
    const isWhole = texts.every((value) => typeof value === 'string') && URL.canParse(config.gateway) && isMode(config)
    if (isWhole && ['pinned', 'system', 'none'].includes(config.tls)) return config
  } catch (error) {
    if (error instanceof NotJoined) throw error
  }
  throw new NotJoined(path, 'is damaged')
}

function isMode({ mode, tailnet }: IdentityConfig): boolean {
  if (tailnet === undefined) return mode === 'wireguard'
  const { gateway_ip, gateway_url, control_url } = tailnet
  return mode === 'tailscale' && isIP(gateway_ip) !== 0 && URL.canParse(gateway_url) && typeof control_url === 'string'
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new NotJoined(path, code === 'ENOENT' ? 'is missing' : `cannot be read (${code ?? 'unknown error'})`)
  }
}
