import { setTimeout as sleep } from 'node:timers/promises'
import { createOnboardApp } from '../onboard/server/app.ts'
import { joinAttempts } from '../onboard/server/attempts.ts'
import { createFunnelApp } from '../onboard/server/funnel-app.ts'
import { onboardLimits } from '../onboard/server/limits.ts'
import type { ProfileName } from '../workers/contract/ids.ts'
import { refuseSecondGateway, startAdminServer } from './admin/server.ts'
import { adminSocketPath } from './admin/socket.ts'
import { adminDesk } from './admin-desk.ts'
import { LeafMint } from './ca/leaf.ts'
import type { LoadedPolicy } from './config/load-policy.ts'
import type { Policy, TailscaleSettings } from './config/policy.ts'
import { followConfig } from './config-follow.ts'
import { CurrentPolicy } from './current-policy.ts'
import { AddressBook } from './flows/address-book.ts'
import { Dispatch } from './flows/dispatch.ts'
import { VirtualNames } from './flows/names.ts'
import { createResolver, type Resolver } from './flows/resolver.ts'
import { upstreamDial } from './flows/upstream-dial.ts'
import type { ProcessLog } from './log.ts'
import { Metrics } from './metrics.ts'
import { deviceRegistry } from './onboarding/enrolment.ts'
import { startOnboardListener } from './onboarding/listener.ts'
import { deviceLookup } from './onboarding/lookup.ts'
import { PinWatch } from './onboarding/pin-watch.ts'
import { placeholderVariables } from './onboarding/placeholders.ts'
import { noTunnel } from './onboarding/tunnel-facts.ts'
import { Pools } from './pool/pools.ts'
import type { Live } from './recorder/live.ts'
import { Retention } from './recorder/retention.ts'
import { openHistory } from './revisions/history.ts'
import { Shutdown } from './shutdown.ts'
import { nameStore, openStorage, type Storage } from './storage.ts'
import { changesOf } from './store/database.ts'
import { type Device, devicesOf } from './store/devices.ts'
import { tokensOf } from './store/tokens.ts'
import { dialFromHere, onNativeFault } from './tailnet/native.ts'
import { TailnetSide } from './tailnet-side.ts'
import { secretValues, type TailscaleSecrets, tailscaleSecrets, vaultSecrets } from './tailscale/secrets.ts'
import { noRuns, openWireguard, startWireguard, wireguardRuns } from './wireguard-side.ts'

/** What a gateway is started with. */
export interface GatewayOptions {
  /** Path the policy was loaded from; followed while the gateway runs. */
  readonly configPath: string
  readonly loaded: LoadedPolicy & { readonly policy: Policy }
  readonly log: ProcessLog
  /** Asks a person for the passphrase of the master key; absent: nobody is there. */
  readonly ask?: (question: string) => Promise<string>
}

/** A running gateway. */
export interface Gateway {
  /** Where devices join, `http://…`. */
  readonly url: string
  /** UDP port; null: no WireGuard. */
  readonly wireguardPort: number | null
  readonly fingerprint: string
  readonly stateDir: string
  /** Finished actions as they happen. */
  readonly live: Live
  readonly joins: Pick<ReturnType<typeof joinAttempts>, 'approve'>
  /** Resolves when everything reported so far is on record; at most a second later. */
  settled(): Promise<void>
  /** Ends every flow, writes what waits and releases everything; idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a gateway: state first, then the worker pools, the tunnel, onboarding and the operators' socket last.
 * @throws ClawError with one sentence for whatever keeps it from running; nothing stays open then
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options
  const shutdown = new Shutdown({
    stepMs: 6000,
    onTrouble: (step, error) => log.error('shutdown', { step, error }),
  })
  try {
    return await compose(options, shutdown)
  } catch (error) {
    await shutdown.run()
    throw error
  }
}

async function compose(options: GatewayOptions, shutdown: Shutdown): Promise<Gateway> {
  const { log, loaded } = options
  const { gateway } = loaded.policy
  const { stateDir, sampleBytes } = gateway
  const ask = options.ask === undefined ? {} : { ask: options.ask }
  const socketPath = adminSocketPath(stateDir)
  await refuseSecondGateway(socketPath)
  const storage = await openStorage({ stateDir, sampleBytes, log, shutdown, ...ask })
  const { database, vault, root, recorder } = storage
  const names = new VirtualNames(nameStore(database))
  const resolver = createResolver({ server: gateway.resolver })
  const addresses = new AddressBook({ resolver })
  shutdown.defer('addresses', () => addresses[Symbol.dispose]())
  const current = new CurrentPolicy(loaded.policy, names, addresses)
  const devices = devicesOf(database)
  const metrics = new Metrics()
  shutdown.defer('metrics', () => metrics[Symbol.dispose]())
  // the networks are closed after the flows: through them agents learn that their connections are over
  const wireguard = gateway.wireguard === null ? null : openWireguard(gateway.wireguard, storage)
  if (wireguard !== null) shutdown.use('tunnel', wireguard.network)
  const tailnet =
    gateway.tailscale === null
      ? null
      : new TailnetSide({
          settings: gateway.tailscale,
          secrets: keysOf(gateway.tailscale, vault),
          stateDir,
          port: gateway.dashboardListen.port,
          database,
          devices,
          current,
          resolver,
          log,
          onNode: () => pins.soon(),
          shutdown,
        })
  const pins = new PinWatch({
    devices,
    mode: () => current.policy.gateway.joinPin,
    ...(wireguard === null ? {} : { wireguard: { peers: wireguard.peers, transport: wireguard.network } }),
    ...(tailnet === null ? {} : { tailnet: { nodes: tailnet.nodes, endpoints: () => tailnet.endpoints() } }),
    log,
  })
  const pools = shutdown.use('pools', startPools({ storage, current, resolver, metrics, log }))
  await pools.start()
  shutdown.defer(
    'secret changes',
    vault.onChange((credentials) => pools.forget(credentials)),
  )
  vault.watch((error) => log.error('secrets.watch', { error }))
  shutdown.defer(
    'recorder health',
    recorder.onHealth((healthy) => recorderChanged(log, pools, healthy)),
  )
  const origins = {
    devices,
    changes: changesOf(database),
    isHeld: (device: Device) => pins.isHeld(device),
    ...(wireguard === null ? {} : { peers: wireguard.peers }),
    ...(tailnet === null ? {} : { nodes: tailnet.nodes }),
  }
  const dispatch = shutdown.use(
    'flows',
    new Dispatch({
      devices: deviceLookup(origins, () => current.policy.deviceDefaultProfile),
      profiles: current.views,
      names,
      addresses,
      resolver,
      policy: current.destinations,
      pools,
      // the agent waits for these
      record: (flow, events) => recorder.record(flow, events, 1),
      recorderHealthy: () => recorder.healthy,
    }),
  )
  addresses.start({
    changed: () => void dispatch.recheck(),
    lost: (name) =>
      log.warn('address.unknown', { name, hint: 'agents reach it by name; its port elsewhere is refused' }),
  })
  if (wireguard !== null && gateway.wireguard !== null) await startWireguard(wireguard, dispatch, gateway.wireguard)
  onNativeFault((cause) => {
    metrics.count('native_faults')
    log.error('native', { cause })
  })
  const registry = deviceRegistry({
    devices,
    tokens: tokensOf(database),
    ...(wireguard === null ? {} : { peers: wireguard.peers, transport: wireguard.network }),
    ...(tailnet === null ? {} : { tailnet: tailnet.members }),
    profiles: () => [...current.policy.profiles.keys()],
    variables: (profile) => placeholderVariables(current.profileOr(profile)),
    endFlows: (device, because) => dispatch.endDevice(device, because),
  })
  await registry.restore()
  shutdown.use('pins', pins).start({
    block: (device, because) => registry.block(device, because),
    recheck: () => void dispatch.recheck(),
  })
  const retention = shutdown.use('retention', retentionOf(storage, current, log))
  retention.start()
  const applied = () => {
    pools.reload()
    dispatch.recheck()
    tailnet?.reload()
  }
  const follow = shutdown.use(
    'configuration',
    followConfig({ path: options.configPath, loaded, current, log, history: openHistory(database, vault), applied }),
  )
  const ports = {
    devices: registry,
    runs:
      wireguard === null
        ? noRuns
        : shutdown.use(
            'runs',
            wireguardRuns(wireguard, () => pins.soon()),
          ),
    authority: () => ({ pem: root.certificatePem, fingerprint: root.fingerprint }),
    publicUrl: gateway.publicUrl,
    now: Date.now,
    onFault: (error: unknown) => log.error('onboarding', { error }),
    ...(wireguard?.facts ?? noTunnel),
    ...(tailnet === null ? {} : { tailnet: tailnet.desk }),
  }
  // a key of its own: that of the leaves is known to every worker thread
  const own = new LeafMint(root)
  const joins = shutdown.use('joins', joinAttempts(ports))
  const limits = onboardLimits(ports.now)
  const listener = shutdown.use(
    'listener',
    await startOnboardListener({
      ...gateway.dashboardListen,
      app: createOnboardApp(ports, joins, limits),
      certificate: (name) => own.certificate(name),
      names: gateway.publicUrl === null ? [] : [new URL(gateway.publicUrl).hostname],
      ...(tailnet === null
        ? {}
        : { whois: (address) => tailnet.whois(address), funnelApp: createFunnelApp(ports, joins, limits) }),
    }),
  )
  tailnet?.start(dispatch, (connection, reach) => listener.admit(connection, reach))
  const startedAt = Date.now()
  const desk = adminDesk({
    storage,
    current,
    registry,
    devices,
    wireguard,
    tailnet,
    joins,
    dispatch,
    pools,
    follow,
    metrics,
    startedAt,
  })
  shutdown.use('admin', await startAdminServer({ socketPath, ports: desk }))
  const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host
  return {
    url: `http://${host}:${listener.port}`,
    wireguardPort: wireguard?.network.port ?? null,
    fingerprint: root.fingerprint,
    stateDir,
    live: storage.live,
    joins,
    settled: () => settled(recorder),
    stop: () => shutdown.run(),
  }
}

/** @throws ClawError CP_SECRET that names what is missing */
function keysOf(settings: TailscaleSettings, vault: Storage['vault']): TailscaleSecrets {
  const secrets = tailscaleSecrets(settings, process.env, vaultSecrets(vault))
  vault.hide(secretValues(secrets))
  return secrets
}

interface PoolParts {
  readonly storage: Storage
  readonly current: CurrentPolicy
  readonly resolver: Resolver
  readonly metrics: Metrics
  readonly log: ProcessLog
}

function startPools({ storage, current, resolver, metrics, log }: PoolParts): Pools {
  const { vault, leaves, recorder } = storage
  const dial = upstreamDial({
    resolver,
    policy: current.destinations,
    dial: dialFromHere,
  })
  return new Pools({
    services: {
      profile: (name: ProfileName) => current.profile(name),
      dial,
      certificate: (serverName) => leaves.certificate(serverName),
      secret: async (credential) => {
        const slots = current.slotsOf(credential)
        return slots === null ? null : vault.lookup(credential, slots)
      },
      record: (flow, events, withinMs) => recorder.record(flow, events, withinMs),
      recorderHealthy: () => recorder.healthy,
    },
    onFault: (fault) => {
      metrics.count(`pool_${fault.kind}`)
      log.error('pool', { ...fault })
    },
  })
}

function retentionOf({ database }: Storage, current: CurrentPolicy, log: ProcessLog): Retention {
  return new Retention({
    database,
    rules: () => ({ actionsKeepMs: current.policy.gateway.actionsKeepMs, endpoints: current.policy.endpoints }),
    onError: (error) => log.error('retention', { error }),
  })
}

function recorderChanged(log: ProcessLog, pools: Pools, healthy: boolean): void {
  if (healthy) log.info('record.writable')
  else log.error('record.not_writable', { hint: 'agents are denied until records can be written' })
  pools.recorderChanged(healthy)
}

async function settled(recorder: Storage['recorder']): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const { queued, open } = recorder.stats()
    if (queued === 0 && open === 0) return
    await sleep(20)
  }
}
