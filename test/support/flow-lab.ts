import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { AddressBook } from '../../gateway/flows/address-book.ts'
import { destinationPolicy } from '../../gateway/flows/destination.ts'
import { Dispatch } from '../../gateway/flows/dispatch.ts'
import type { KnownDevice } from '../../gateway/flows/identify.ts'
import { type StoredName, VirtualNames } from '../../gateway/flows/names.ts'
import { ProfileViews } from '../../gateway/flows/profile-views.ts'
import type { Resolution, Resolver } from '../../gateway/flows/resolver.ts'
import type { ActionEvent } from '../../workers/contract/action.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { Address, DeviceId, EndpointName, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { FlowReport } from '../../workers/contract/messages.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { InTestTailnet } from './in-test-tailnet.ts'

/** What a lab starts with; names of the outside world and where they lead. */
export interface FlowLabOptions {
  readonly profiles: readonly Profile[]
  /** Tunnel address → what is known of the device. */
  readonly devices: { readonly [address: string]: DeviceFacts }
  readonly hosts?: { readonly [name: string]: readonly string[] }
  readonly server?: Address
  /** Addresses of the outside world that echo what they get. */
  readonly echoes?: readonly string[]
}

/** What is said of a device; otherwise it is approved and not blocked. */
export type DeviceFacts = Partial<Omit<KnownDevice, 'profile'>> & { readonly profile: string | null }

/** A recorded event with its flow. */
export interface Recorded {
  readonly flow: Flow | null
  readonly event: ActionEvent
}

/** A dispatcher between agents on loopback sockets and pools that say who they serve. */
export class FlowLab implements AsyncDisposable {
  readonly tailnet: InTestTailnet
  readonly dispatch: Dispatch
  readonly names: VirtualNames
  readonly addresses: AddressBook
  readonly records: Recorded[] = []
  readonly handedOver: { readonly flow: Flow; readonly candidates: readonly EndpointName[] }[] = []
  readonly devices = new Map<string, KnownDevice>()
  /** What the recorder does; `stall` commits nothing until the lab ends. */
  recorder: 'healthy' | 'unhealthy' | 'stall' = 'healthy'
  room = true
  readonly #views = new ProfileViews()
  readonly #stored = new Map<number, StoredName>()
  readonly #servers: Server[]
  readonly #stalled: (() => void)[] = []
  readonly #waiting: (() => void)[] = []
  readonly #running = new Map<FlowId, Socket>()

  private constructor(options: FlowLabOptions, servers: readonly Server[], world: ReadonlyMap<string, number>) {
    this.#servers = [...servers]
    this.names = new VirtualNames({
      load: () => [...this.#stored.values()],
      save: (rows) => {
        for (const row of rows) this.#stored.set(row.id, row)
      },
    })
    this.addresses = new AddressBook({ resolver: resolverOf(options) })
    for (const [address, device] of Object.entries(options.devices)) this.setDevice(address, device)
    this.reload(options.profiles)
    this.dispatch = new Dispatch({
      devices: { byAddress: (address) => this.devices.get(address) ?? null, byNode: () => null },
      profiles: this.#views,
      names: this.names,
      addresses: this.addresses,
      resolver: resolverOf(options),
      policy: destinationPolicy({ allow: [], local: () => new Set(['203.0.113.9']) }),
      pools: {
        hasRoom: () => this.room,
        run: (flow, route, fd) => {
          this.handedOver.push({ flow, candidates: route.candidates })
          return this.#serve(flow, new Socket({ fd, readable: true, writable: true }))
        },
        cancel: (flow) => this.#running.get(flow)?.destroy(),
      },
      record: async (flow, events) => {
        if (this.recorder === 'stall') await new Promise<void>((resolve) => this.#stalled.push(resolve))
        this.records.push(...events.map((event) => ({ flow, event })))
        for (const wake of this.#waiting.splice(0)) wake()
      },
      recorderHealthy: () => this.recorder !== 'unhealthy',
    })
    this.tailnet = new InTestTailnet(this.dispatch, world)
  }

  static async start(options: FlowLabOptions): Promise<FlowLab> {
    const servers: Server[] = []
    const world = new Map<string, number>()
    for (const address of options.echoes ?? []) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined)
        socket.pipe(socket)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      servers.push(server)
      world.set(address, (server.address() as AddressInfo).port)
    }
    const lab = new FlowLab(options, servers, world)
    await lab.addresses.refresh()
    return lab
  }

  reload(profiles: readonly Profile[]): void {
    const hosts = this.#views.update(profiles)
    this.names.update(hosts)
    this.addresses.update(hosts.located)
  }

  setDevice(address: string, device: DeviceFacts): void {
    const id = `device-${address}` as DeviceId
    const blank = { id, name: 'laptop', user: null, isApproved: true, isBlocked: false }
    this.devices.set(address, { ...blank, ...device, profile: device.profile as ProfileName | null })
  }

  /** Address that stands for a name. */
  virtual(name: string): string {
    return this.names.addressOf(name)?.v4 ?? 'none'
  }

  /** The records so far, one line each: verdict, protocol, title and reason; or the end. */
  story(): readonly string[] {
    return this.records.map(({ event }) => {
      if (event.kind === 'opened') {
        const { verdict, action } = event
        const why = verdict.kind === 'deny' ? ` because ${verdict.reason}` : ''
        return `${verdict.kind} ${action.protocol} ${action.title}${why}`
      }
      return event.kind === 'closed' ? `${event.status} ${event.bytesUp}/${event.bytesDown}` : event.kind
    })
  }

  /** Resolves with the story once there are so many records. */
  async told(records: number): Promise<readonly string[]> {
    while (this.records.length < records) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.story()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const commit of this.#stalled.splice(0)) commit()
    await this.dispatch[Symbol.asyncDispose]()
    this.tailnet.close()
    for (const server of this.#servers) server.close()
  }

  /** Stands where a worker would: answers with the name of the endpoint and ends when the agent does. */
  async #serve(flow: Flow, socket: Socket): Promise<FlowReport> {
    this.#running.set(flow.id, socket)
    socket.on('error', () => undefined)
    socket.write('worker')
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    this.#running.delete(flow.id)
    return { flow: flow.id, bytesUp: 0, bytesDown: 0, actions: 1, endedBy: 'peer', fault: null }
  }
}

/** Hosts of an endpoint of a protocol; of an https endpoint where only they are given. */
export type LabEndpoint = readonly string[] | { readonly protocol: string; readonly hosts: readonly string[] }

/** A profile with endpoints, `{ api: ['api.example'] }`. */
export function profileWith(
  name: string,
  endpoints: { readonly [endpoint: string]: LabEndpoint },
  more: Partial<Profile> = {},
): Profile {
  const built = Object.entries(endpoints).map(([endpoint, declared]): Endpoint => {
    const rest = { settings: {}, credentials: [], rules: [], unmatched: 'allow', via: null } as const
    const { protocol, hosts } = 'hosts' in declared ? declared : { protocol: 'https', hosts: declared }
    return { name: endpoint as EndpointName, protocol, hosts, ...rest }
  })
  return {
    name: name as ProfileName,
    revision: JSON.stringify([endpoints, more]),
    endpoints: built,
    unknownHost: 'splice',
    limits: { inspectBytes: 1, sampleBytes: 1, flowsPerThread: 1, threads: 1, heapMb: 64, idleMs: 1 },
    ...more,
  }
}

/** A ClientHello as a modern client sends it, cut down to what is read of it. */
export function clientHello(serverName: string | null): Buffer {
  const sized = (width: number, body: Buffer) => {
    const head = Buffer.alloc(width)
    head.writeUIntBE(body.length, 0, width)
    return Buffer.concat([head, body])
  }
  const name = sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(serverName ?? ''))]))
  const extensions = serverName === null ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0, 0]), sized(2, name)])
  const hello = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 0x01])),
    sized(1, Buffer.from([0])),
    sized(2, extensions),
  ])
  const message = Buffer.concat([Buffer.from([1]), sized(3, hello)])
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, message)])
}

function resolverOf({
  hosts = {},
  server = null as Address | null,
}: Omit<FlowLabOptions, 'server'> & { server?: Address | null }): Resolver {
  return {
    server,
    resolve: (name, family): Promise<Resolution> => {
      const known = hosts[name]
      if (known === undefined) return Promise.resolve({ kind: name.startsWith('broken.') ? 'failed' : 'no_name' })
      const addresses = known.filter((address) => address.includes(':') === (family === 6))
      return Promise.resolve(addresses.length > 0 ? { kind: 'found', addresses } : { kind: 'no_data' })
    },
  }
}
