import { ClawError } from '../../workers/contract/errors.ts'

/** A wg-quick configuration after every line of it was understood. */
export interface WireguardConf {
  readonly addresses: readonly string[]
  readonly serverPublicKey: string
  readonly endpoint: string
  readonly keepaliveS: number
}

const allowed: { readonly [section: string]: { readonly [key: string]: RegExp } } = {
  Interface: {
    PrivateKey: /^$/,
    Address: /^[0-9a-fA-F.:]+\/\d{1,3}(, ?[0-9a-fA-F.:]+\/\d{1,3}){0,3}$/,
  },
  Peer: {
    PublicKey: /^[A-Za-z0-9+/]{43}=$/,
    Endpoint: /^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/,
    AllowedIPs: /^0\.0\.0\.0\/0, ?::\/0$/,
    PersistentKeepalive: /^\d{1,5}$/,
  },
}

/**
 * Reads a configuration a gateway sent. wg-quick runs hooks as root, so nothing but the expected keys passes.
 * @throws ClawError CP_ONBOARD naming the line that is not expected
 */
export function readWireguardConf(text: string): WireguardConf {
  const found = new Map<string, string>()
  let section: string | null = null
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '') continue
    const header = /^\[([A-Za-z]+)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      if (allowed[header] === undefined || found.has(header)) throw unexpected(line)
      found.set(header, '')
      section = header
      continue
    }
    const [, key = '', value = ''] = /^([A-Za-z]+) *= *(.*)$/.exec(line) ?? []
    const pattern = section === null ? undefined : allowed[section]?.[key]
    const name = `${section}.${key}`
    if (pattern === undefined || !pattern.test(value) || found.has(name)) throw unexpected(line)
    found.set(name, value)
  }
  const get = (name: string) => {
    const value = found.get(name)
    if (value === undefined)
      throw new ClawError('CP_ONBOARD', `The gateway sent a WireGuard configuration without ${name}`)
    return value
  }
  return {
    addresses: get('Interface.Address').split(/, ?/),
    serverPublicKey: get('Peer.PublicKey'),
    endpoint: get('Peer.Endpoint'),
    keepaliveS: Number(found.get('Peer.PersistentKeepalive') ?? '25'),
  }
}

/** Writes the configuration anew with this machine's private key: no line of the gateway's text is kept. */
export function writeWireguardConf(conf: WireguardConf, privateKey: string): string {
  return `[Interface]
PrivateKey = ${privateKey}
Address = ${conf.addresses.join(', ')}

[Peer]
PublicKey = ${conf.serverPublicKey}
Endpoint = ${conf.endpoint}
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = ${conf.keepaliveS}
`
}

function unexpected(line: string): ClawError {
  // the key alone: a value may be anything
  const key = line.split('=', 1)[0]?.trim().slice(0, 32) ?? ''
  return new ClawError(
    'CP_ONBOARD',
    `The gateway sent a WireGuard configuration with an unexpected ${JSON.stringify(key)}`,
    {
      hint: 'do not trust this gateway before you know why',
    },
  )
}
