import { makeNamespace, type Namespace } from './namespace.ts'

/** A namespace of a lab with the address others reach it at. */
export interface LabMachine extends Namespace {
  readonly address: string
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

/** Makes a lab; needs what `mayIsolate` tells. @param names of the machines, at most 200 */
export async function tailnetLab(names: readonly string[] = []): Promise<TailnetLab> {
  const made: Namespace[] = []
  const end = async () => {
    for (const namespace of made.reverse()) await namespace[Symbol.asyncDispose]()
  }
  const make = async (name: string, address: string): Promise<LabMachine> => {
    const namespace = await makeNamespace(name)
    made.push(namespace)
    return { ...namespace, address }
  }
  try {
    const world = await make('world', worldAddress)
    await world.ip(worldLinks)
    const machines = new Map<string, LabMachine>()
    for (const [index, name] of names.entries())
      machines.set(name, await connect(world, await make(name, `198.18.${index + 1}.2`), index + 1))
    return {
      world,
      machine: (name) => {
        const machine = machines.get(name)
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

async function connect(world: Namespace, machine: LabMachine, number: number): Promise<LabMachine> {
  await world.ip(`
    link add m${number} type veth peer name uplink netns ${machine.pid}
    addr add 198.18.${number}.1/30 dev m${number}
    link set m${number} up
  `)
  await machine.ip(`
    addr add ${machine.address}/30 dev uplink
    link set uplink up
    route add ${worldAddress}/32 via 198.18.${number}.1 dev uplink
  `)
  return machine
}

const worldLinks = `
  addr add ${worldAddress}/32 dev lo
  route add local 203.0.113.0/24 dev lo
  route add local 198.51.100.0/24 dev lo
  -6 route add local 2001:db8::/32 dev lo
`
