import { isIP } from 'node:net'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { RuleChange } from '../journal.ts'
import { readWireguardConf, type WireguardConf } from '../wireguard-conf.ts'
import { priorities, type Rule } from './rules.ts'

/** Routing table of the tunnel; the mark of its own packets is the same number, which nobody else is likely to use. */
export const tunnelTable = '49568'
/** As `ip` shows it. */
const tunnelMark = '0xc1a0'

/** What a configuration of this machine is made of. */
export interface WholeMachineConf {
  readonly conf: WireguardConf
  readonly privateKey: string
  /** Address and port; a name could not be looked up while the tunnel it leads to is down. */
  readonly endpoint: string
  readonly families: readonly (4 | 6)[]
  /** Rules that come and go with the interface. */
  readonly rules: readonly RuleChange[]
}

/** Reads the configuration the join wrote. @throws ClawError CP_ONBOARD when it is not one */
export function readOwnConf(text: string): { readonly conf: WireguardConf; readonly privateKey: string } {
  const privateKey = /^PrivateKey = ([A-Za-z0-9+/]{43}=)$/m.exec(text)?.[1]
  if (privateKey === undefined)
    throw new ClawError('CP_ONBOARD', 'The WireGuard configuration of the join has no key of this machine', {
      hint: 'run clawpatrol join again',
    })
  return { conf: readWireguardConf(text.replace(/^PrivateKey = .*$/m, 'PrivateKey = ')), privateKey }
}

/**
 * Writes a wg-quick configuration that leads everything into the tunnel. All of it is made here: wg-quick runs hooks as
 * root, and no text of a gateway gets into one. `Table = off`: wg-quick's own routing needs nft or iptables.
 */
export function writeWholeMachineConf(options: WholeMachineConf): string {
  const { conf, privateKey, endpoint, families, rules } = options
  const addresses = conf.addresses.filter((each) =>
    families.some((family) => family === isIP(each.split('/')[0] ?? '')),
  )
  const routes = families.map((family) => `ip -${family} route replace default dev %i table ${tunnelTable}`)
  const hook = ({ family, words }: Rule, verb: 'add' | 'del') => `ip -${family} rule ${verb} ${words.join(' ')}`
  // the default rule comes last up and goes first down: no packet finds half of it
  return `# written by clawpatrol join --whole-machine; clawpatrol uninstall removes it
[Interface]
PrivateKey = ${privateKey}
Address = ${addresses.join(', ')}
FwMark = ${tunnelMark}
Table = off
${routes.map((route) => `PostUp = ${route}`).join('\n')}
${rules.map((rule) => `PostUp = ${hook(rule, 'add')}`).join('\n')}
${[...rules]
  .reverse()
  .map((rule) => `PostDown = ${hook(rule, 'del')} || true`)
  .join('\n')}

[Peer]
PublicKey = ${conf.serverPublicKey}
Endpoint = ${endpoint}
AllowedIPs = ${families.map((family) => (family === 4 ? '0.0.0.0/0' : '::/0')).join(', ')}
PersistentKeepalive = ${conf.keepaliveS}
`
}

/**
 * The rules of this machine, in the order they are to be looked at: replies of its own addresses and of SSH, and what is
 * said to the gateway itself, go out directly; then the networks it is in; then the tunnel.
 */
export function directRules({ addresses, gateways, families }: DirectTraffic): readonly Rule[] {
  const familyOf = (address: string) => (isIP(address) === 6 ? 6 : 4)
  const has = (address: string) => families.includes(familyOf(address))
  return [
    ...addresses.filter(has).map((address) => ({
      family: familyOf(address) as 4 | 6,
      words: ['from', address, 'lookup', 'main', 'priority', priorities.direct],
    })),
    ...gateways
      .filter(({ address }) => has(address))
      .map(({ address, port }) => ({
        family: familyOf(address) as 4 | 6,
        words: ['to', address, 'ipproto', 'tcp', 'dport', `${port}`, 'lookup', 'main', 'priority', priorities.direct],
      })),
    ...families.map((family) => ({
      family,
      words: ['ipproto', 'tcp', 'sport', '22', 'lookup', 'main', 'priority', priorities.ssh],
    })),
  ]
}

/** What must not go into the tunnel. */
export interface DirectTraffic {
  /** Addresses others reach this machine by. */
  readonly addresses: readonly string[]
  /** Where the gateway is asked. */
  readonly gateways: readonly { readonly address: string; readonly port: number }[]
  readonly families: readonly (4 | 6)[]
}

/** The rules that lead the rest into the tunnel. */
export function tunnelRules(families: readonly (4 | 6)[]): readonly Rule[] {
  return families.flatMap((family) => [
    { family, words: ['lookup', 'main', 'suppress_prefixlength', '0', 'priority', priorities.nearby] },
    { family, words: ['not', 'fwmark', tunnelMark, 'lookup', tunnelTable, 'priority', priorities.tunnel] },
  ])
}
