import { type BadLink, badLink, type LinkQuality } from './bad-link.ts'
import { makeNamespace, type Namespace } from './namespace.ts'

/** A namespace of a lab with the address others reach it at. */
export interface LabMachine extends Namespace {
  readonly address: string
  /** What connects it to the world, when that is a bad link. */
  readonly link: BadLink | null
}

/** A machine that is not simply connected. */
export interface MachineOptions {
  readonly name: string
  /** Loses and reorders packets of its link to the world. */
  readonly quality?: LinkQuality
  /**
   * Largest packet, bytes, that a router on its way to the world passes whole. Below 1340 plain upstream nodes stall:
   * the kernel refuses their batches (UDP GSO) of packets that fill a TUN of 1280; `innerMtu` of a node helps.
   */
  readonly pathMtu?: number
}

/**
 * A world and machines, each in a namespace of its own.
 * The world holds the control server, the gateway and "the internet": any address of 203.0.113.0/24, 198.51.100.0/24
 * and 2001:db8::/32 may be listened on there. A machine reaches `world.address` and nothing else: neither those
 * addresses nor another machine nor this host.
 */
export interface TailnetLab extends AsyncDisposable {
  readonly world: LabMachine
  /** @throws Error when there is none of that name */
  machine(name: string): LabMachine
}

const worldAddress = '198.18.0.1'

/** Makes a lab; needs what `mayIsolate` tells. @param machines by name, at most 200 */
export async function tailnetLab(machines: readonly (string | MachineOptions)[] = []): Promise<TailnetLab> {
  const made: AsyncDisposable[] = []
  const end = async () => {
    for (const part of made.reverse()) await part[Symbol.asyncDispose]()
  }
  const make = async (name: string, address: string): Promise<LabMachine> => {
    const namespace = await makeNamespace(name)
    made.push(namespace)
    return { ...namespace, address, link: null }
  }
  try {
    const world = await make('world', worldAddress)
    await world.ip(worldLinks)
    // a local route is enough to bind for IPv4 only
    await world.sysctl('net.ipv6.ip_nonlocal_bind=1')
    const connected = new Map<string, LabMachine>()
    for (const [index, one] of machines.entries()) {
      const { name, quality, pathMtu } = typeof one === 'string' ? { name: one } : one
      const net = `198.18.${index + 1}`
      const machine = await make(name, pathMtu === undefined ? `${net}.2` : `198.19.${index + 1}.2`)
      const near = pathMtu === undefined ? machine : await make(`${name}-way`, `${net}.2`)
      const link = await connect({ from: world, device: `m${index + 1}`, to: near, net }, quality)
      if (link !== null) made.push(link)
      await near.ip(`route add ${worldAddress}/32 via ${net}.1 dev uplink`)
      if (pathMtu !== undefined) await lead({ world, way: near, machine, net, far: `198.19.${index + 1}` }, pathMtu)
      connected.set(name, { ...machine, link })
    }
    return {
      world,
      machine: (name) => {
        const machine = connected.get(name)
        if (machine === undefined) throw new Error(`the lab has no machine ${JSON.stringify(name)}`)
        return machine
      },
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

interface Connection {
  readonly from: Namespace
  readonly device: string
  readonly to: Namespace
  /** First three numbers; the ends are .1 and .2. */
  readonly net: string
}

async function connect({ from, device, to, net }: Connection, quality?: LinkQuality): Promise<BadLink | null> {
  const ends = [
    { namespace: from, device },
    { namespace: to, device: 'uplink' },
  ]
  const link = quality === undefined ? null : await badLink(ends, quality)
  if (link === null) await from.ip(`link add ${device} type veth peer name uplink netns ${to.pid}`)
  await from.ip(`
    addr add ${net}.1/30 dev ${device}
    link set ${device} up
  `)
  await to.ip(`
    addr add ${net}.2/30 dev uplink
    link set uplink up
  `)
  return link
}

interface Way {
  readonly world: Namespace
  readonly way: Namespace
  readonly machine: Namespace
  readonly net: string
  readonly far: string
}

/** Connects a machine through a router that passes packets up to a size. */
async function lead({ world, way, machine, net, far }: Way, pathMtu: number): Promise<void> {
  await connect({ from: way, device: 'far', to: machine, net: far })
  await way.sysctl('net.ipv4.ip_forward=1')
  await way.ip(`
    route replace ${worldAddress}/32 via ${net}.1 dev uplink mtu lock ${pathMtu}
    route replace ${net}.0/30 dev uplink mtu lock ${pathMtu}
    route replace ${far}.0/30 dev far mtu lock ${pathMtu}
  `)
  await world.ip(`route add ${far}.0/30 via ${net}.2`)
  await machine.ip(`
    route add ${worldAddress}/32 via ${far}.1 dev uplink
    route add ${net}.0/30 via ${far}.1 dev uplink
  `)
}

const worldLinks = `
  addr add ${worldAddress}/32 dev lo
  route add local 203.0.113.0/24 dev lo
  route add local 198.51.100.0/24 dev lo
  -6 route add local 2001:db8::/32 dev lo
`
