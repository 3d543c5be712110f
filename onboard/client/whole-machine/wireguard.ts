import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ClawError } from '../../../workers/contract/errors.ts'
import { resolveEndpoint } from '../endpoint.ts'
import { addressesOf } from '../gateway-url.ts'
import { type Identity, identityFiles } from '../identity.ts'
import { noteChange } from '../journal.ts'
import { enableUnit } from './boot.ts'
import { hasInterface, wayOut } from './interface.ts'
import { needProgram } from './need-program.ts'
import { isIpv6On, reachableAddresses } from './own-addresses.ts'
import { pointResolver } from './resolver.ts'
import { make, newRules, type Place, type RoutingState, type WholeMachine, writeFile } from './routing.ts'
import {
  directRules,
  readOwnConf,
  tunnelRules,
  type WholeMachineConf,
  writeWholeMachineConf,
} from './whole-machine-conf.ts'

/** Name of the interface on this machine. */
export const interfaceName = 'clawpatrol'
const confDir = '/etc/wireguard'
const handshakeMs = 15_000

/** Leads all traffic of this machine into a WireGuard tunnel, with wg-quick. */
export function wireguardRouting(identity: Identity, place: Place): WholeMachine {
  const { dir, host } = place
  return {
    check: () => checkWireguard(place),
    async up() {
      const settings = await settingsOf(identity, place)
      if (!(await isDirectory(place, confDir)))
        await make(place, { kind: 'dir', path: confDir }, () => host.asRoot(['mkdir', '-m', '0700', confDir]))
      await writeFile(place, `${confDir}/${interfaceName}.conf`, writeWholeMachineConf(settings), 0o600)
      // wg-quick makes them, from that file
      for (const rule of settings.rules) noteChange(dir, rule)
      await make(place, { kind: 'interface', name: interfaceName }, () =>
        host.asRoot(['wg-quick', 'up', interfaceName]),
      )
      await awaitHandshake(place, settings.endpoint)
      await pointResolver(place, resolversOf(settings.conf.addresses))
      await enableUnit(place, `wg-quick@${interfaceName}.service`)
    },
    state: () => stateOf(place),
  }
}

async function checkWireguard({ host }: Place): Promise<void> {
  needProgram('wg-quick', 'wireguard-tools')
  needProgram('ip', 'iproute2')
  if (await hasInterface(host, interfaceName))
    throw new ClawError('CP_ONBOARD', `This machine has an interface "${interfaceName}" that no join made`, {
      hint: `take it down first: sudo wg-quick down ${interfaceName}, or sudo ip link del dev ${interfaceName}`,
    })
}

async function settingsOf(identity: Identity, { dir, host }: Place): Promise<WholeMachineConf> {
  const own = readOwnConf(readFileSync(join(dir, identityFiles.wireguard), 'utf8'))
  const families = isIpv6On() ? ([4, 6] as const) : ([4] as const)
  const url = new URL(identity.gateway.url)
  const gatewayHost = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  const gateways = isIP(gatewayHost) === 0 ? await addressesOf(gatewayHost) : [gatewayHost]
  const direct = directRules({
    addresses: await reachableAddresses(host),
    gateways: gateways.map((address) => ({ address, port })),
    families,
  })
  return {
    ...own,
    endpoint: await resolveEndpoint(own.conf.endpoint),
    families,
    rules: await newRules(host, [...direct, ...tunnelRules(families)]),
  }
}

async function isDirectory({ host }: Place, path: string): Promise<boolean> {
  return (await host.asRoot(['sh', '-c', '[ ! -d "$1" ] || echo yes', 'looking', path])) !== ''
}

// a tunnel nobody answers in would cut this machine off
async function awaitHandshake({ host }: Place, endpoint: string): Promise<void> {
  const deadline = performance.now() + handshakeMs
  for (;;) {
    const said = await host.asRoot(['wg', 'show', interfaceName, 'latest-handshakes'])
    if (/\t[1-9]\d*$/m.test(said.trim())) return
    if (performance.now() > deadline)
      throw new ClawError('CP_ONBOARD', `The gateway does not answer at ${endpoint}: this machine stays as it was`, {
        hint: 'is UDP to that port open, on the gateway and on the way?',
      })
    await wait(100)
  }
}

/** The gateway answers look-ups sent to any address in the tunnel; its own is the first of the network. */
function resolversOf(addresses: readonly string[]): readonly string[] {
  return addresses.flatMap((each) => {
    const address = each.split('/')[0] ?? ''
    return isIP(address) === 4 ? [address.replace(/\.\d+$/, '.1')] : []
  })
}

async function stateOf({ host }: Place): Promise<RoutingState> {
  const way = await wayOut(host, 4)
  if (way === interfaceName) return { kind: 'up', how: `WireGuard, interface ${interfaceName}` }
  return { kind: 'down', why: `traffic leaves by ${way ?? 'no interface'}, not by ${interfaceName}` }
}
