import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { Reach, TailnetDesk, TailnetFacts } from '../onboard/server/ports.ts'
import { ClawError } from '../workers/contract/errors.ts'
import type { TailscaleSettings } from './config/policy.ts'
import type { CurrentPolicy } from './current-policy.ts'
import { lookUp } from './flows/reach.ts'
import type { Resolver } from './flows/resolver.ts'
import type { Log } from './log.ts'
import { tailnetDesk } from './onboarding/tailnet-desk.ts'
import { type TailnetMembers, tailnetMembers } from './onboarding/tailnet-members.ts'
import { tailnetRuns } from './onboarding/tailnet-runs.ts'
import type { Shutdown } from './shutdown.ts'
import type { Database } from './store/database.ts'
import type { Devices } from './store/devices.ts'
import { keysOf } from './store/tailnet-keys.ts'
import { nodesOf, type TailnetNodes } from './store/tailnet-nodes.ts'
import { Membership } from './tailnet/membership.ts'
import type { IncomingConnection, NodeNetwork, NodeStatus, TailnetHandlers, TailnetNode } from './tailnet/tailnet.ts'
import { TsnetTailnet } from './tailnet/tsnet.ts'
import { type TailscaleApi, tailscaleApi } from './tailscale/api.ts'
import { JoinKeys } from './tailscale/keys.ts'
import { exitRoutes, offeredRoutes } from './tailscale/offered-routes.ts'
import { approveRoutes } from './tailscale/routes.ts'
import type { TailscaleSecrets } from './tailscale/secrets.ts'

/** Port of the onboarding routes on the internet. */
const funnelPort = 443

/** What the gateway's side of a tailnet is made of. */
export interface TailnetSideParts {
  readonly settings: TailscaleSettings
  readonly secrets: TailscaleSecrets
  readonly stateDir: string
  /** Port of the gateway's own routes, here and in the tailnet. */
  readonly port: number
  readonly database: Database
  readonly devices: Devices
  readonly current: CurrentPolicy
  readonly resolver: Resolver
  readonly log: Log
  /** Told of each node that becomes a device's. */
  readonly onNode: () => void
  /** Its parts are ended with the gateway. */
  readonly shutdown: Shutdown
}

/** Takes connections that came in through the tailnet or the internet. */
export type Admit = (connection: IncomingConnection, reach: Exclude<Reach, 'direct'>) => void

/** The gateway in its tailnet: its node, the keys and nodes of devices, the routes it offers. */
export class TailnetSide {
  readonly nodes: TailnetNodes
  readonly members: TailnetMembers
  readonly desk: TailnetDesk
  readonly #parts: TailnetSideParts
  readonly #api: TailscaleApi | null
  readonly #keys: JoinKeys
  readonly #membership: Membership
  /** Replaced before the node is up. */
  #admit: Admit = ({ fd }) => closeSync(fd)
  #routes: readonly string[] = exitRoutes
  /** Routes are worked out one after the other. */
  #offering: Promise<void> = Promise.resolve()
  #advice: string | null = null

  constructor(parts: TailnetSideParts) {
    this.#parts = parts
    const { settings, secrets, database, devices, shutdown, log } = parts
    const { apiUrl, tags } = settings
    this.nodes = nodesOf(database)
    this.#api = secrets.oauth === null ? null : tailscaleApi({ apiUrl, oauth: secrets.oauth })
    this.#membership = new Membership({
      network: () => this.#newNode(),
      onUp: (network, status) => this.#cameUp(network, status),
      onDown: (error) => log.error('tailnet.down', { error }),
      onChange: (network, status) => this.#changed(network, status),
    })
    // first: what is ended before it can still use the node
    shutdown.use('tailnet', this.#membership)
    this.#keys = shutdown.use(
      'join keys',
      new JoinKeys({
        database,
        api: this.#api,
        clientAuthkey: secrets.clientAuthkey,
        tags,
        onTrouble: (error) => log.warn('tailnet.not_revoked', { error }),
      }),
    )
    const endNode = (stableId: string) => this.#membership.network?.endNode(stableId)
    const { nodes } = this
    const keys = this.#keys
    const onTrouble = (error: unknown) => log.warn('tailnet.member', { error })
    this.members = shutdown.use('tailnet members', tailnetMembers({ nodes, keys, endNode, onTrouble }))
    const isThere = (stableId: string) => this.#isThere(stableId)
    const runs = tailnetRuns({ devices, nodes, endNode, isThere, bound: parts.onNode })
    this.desk = tailnetDesk({
      devices,
      nodes,
      keys,
      keyRecords: keysOf(database),
      runs: shutdown.use('tailnet runs', runs),
      tags,
      operators: () => parts.current.policy.gateway.tailscale?.operators ?? [],
      facts: () => this.#facts(),
    })
  }

  /** Why agents that come through the tailnet get nowhere, and what to do; null: nothing is known to be wrong. */
  get advice(): string | null {
    return this.#membership.downBecause ?? this.#advice
  }

  get status(): NodeStatus | null {
    return this.#membership.status
  }

  /** Joins the tailnet in the background. */
  start(handlers: TailnetHandlers, admit: Admit): void {
    this.#admit = admit
    this.#keys.start()
    this.#membership.start(handlers)
  }

  /** Who is behind an address right now; null: nobody, or nobody can tell. */
  async whois(address: string): Promise<TailnetNode | null> {
    return (await this.#membership.network?.whois(address)) ?? null
  }

  /** Where nodes are reached directly now, `ip:port` by stable id; none while the gateway is not in the tailnet. */
  async endpoints(): Promise<ReadonlyMap<string, string>> {
    return (await this.#membership.network?.endpoints()) ?? new Map()
  }

  stats(): ReturnType<NodeNetwork['stats']> | null {
    return this.#membership.network?.stats() ?? null
  }

  /** Offers what the policy in force needs. */
  reload(): void {
    const { network, status } = this.#membership
    if (network !== null && status !== null) void this.#offerSoon(network, status)
  }

  #newNode(): NodeNetwork {
    const { settings, secrets, stateDir } = this.#parts
    return new TsnetTailnet({
      stateDir: join(stateDir, 'tsnet'),
      hostname: settings.hostname,
      authKey: secrets.authkey ?? '',
      controlUrl: settings.controlUrl,
      routes: this.#routes,
    })
  }

  async #cameUp(network: NodeNetwork, status: NodeStatus): Promise<void> {
    const { settings, port, log } = this.#parts
    log.info('tailnet.up', { name: status.name, addresses: status.addresses })
    await network.listen(port, 'tailnet', (connection) => this.#admit(connection, 'tailnet'))
    if (settings.funnel) await this.#openFunnel(network)
    await this.#offerSoon(network, status)
  }

  async #openFunnel(network: NodeNetwork): Promise<void> {
    try {
      await network.listen(funnelPort, 'funnel', (connection) => this.#admit(connection, 'funnel'))
    } catch (error) {
      // the rest of the gateway is as good without it
      this.#parts.log.error('tailnet.no_funnel', {
        error,
        hint: 'allow Funnel and HTTPS for the gateway in the settings of the tailnet',
      })
    }
  }

  #changed(network: NodeNetwork, status: NodeStatus): void {
    const { state, health } = status
    if (state !== 'Running') this.#parts.log.error('tailnet.state', { state, health })
    // somebody may have approved by hand what was asked for
    else if (this.#advice !== null) void this.#offerSoon(network, status)
  }

  #offerSoon(network: NodeNetwork, status: NodeStatus): Promise<void> {
    this.#offering = this.#offering.then(() => this.#offer(network, status))
    return this.#offering.catch((error: unknown) => this.#parts.log.error('tailnet.routes', { error }))
  }

  async #offer(network: NodeNetwork, status: NodeStatus): Promise<void> {
    const { current, resolver, log, settings, port } = this.#parts
    const { routes, unresolved, leftOut } = await offeredRoutes(current.policy, {
      lookUp: (name) => lookUp(resolver, name),
      configured: (address) => current.destinations.configured(address),
    })
    if (unresolved.length > 0 || leftOut > 0) log.warn('tailnet.routes_left_out', { unresolved, leftOut })
    this.#routes = routes
    await network.advertise(routes)
    const self = await network.whois(status.addresses[0] ?? '')
    const approval = await approveRoutes({
      api: this.#api,
      stableId: status.stableId,
      wanted: routes,
      approved: status.approvedRoutes,
      facts: {
        gateway: { name: status.name, tags: self?.tags ?? [], addresses: status.addresses },
        clientTags: settings.tags,
        port,
        funnel: settings.funnel,
      },
    })
    this.#advice = approval.kind === 'refused' ? `${approval.because}\n${approval.advice}` : null
    if (approval.kind === 'refused') log.warn('tailnet.routes_not_approved', { ...approval })
    else log.info('tailnet.routes', { routes: routes.length, approval: approval.kind })
  }

  #facts(): TailnetFacts | null {
    const { status } = this.#membership
    const gatewayIp = status?.addresses.find((address) => !address.includes(':'))
    if (status == null || gatewayIp === undefined) return null
    const { settings, port } = this.#parts
    return {
      gatewayHost: status.name.split('.', 1)[0] ?? '',
      gatewayIp,
      gatewayUrl: `http://${gatewayIp}:${port}`,
      controlUrl: settings.controlUrl,
    }
  }

  async #isThere(stableId: string): Promise<boolean> {
    const { network } = this.#membership
    const row = this.nodes.get(stableId)
    if (network === null || row === null) throw new ClawError('CP_NATIVE', 'The gateway is not in the tailnet now')
    return (await network.whois(row.address4))?.stableId === stableId
  }
}
