import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { DeviceLookup, KnownDevice } from '../flows/identify.ts'
import type { Device, Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'
import type { TailnetNodes } from '../store/tailnet-nodes.ts'

/** Addresses remembered at most; beyond it all are forgotten. */
const mostKnown = 4096

/** Where devices and what they send through are on record. */
export interface DeviceStore {
  readonly devices: Devices
  /** Absent: no WireGuard. */
  readonly peers?: Pick<Peers, 'byAddress'>
  /** Absent: no tailnet. */
  readonly nodes?: Pick<TailnetNodes, 'get'>
  /** Grows with every write to any of them. */
  readonly changes: () => number
  /** Whether a device may do nothing for now, though it is not blocked. */
  readonly isHeld?: (device: Device) => boolean
}

/**
 * Says which device is behind a tunnel address or a tailnet node. What the store said is remembered until something is written to it:
 * a block holds for the next flow.
 * @param defaultProfile profile of devices that were given none; read anew each time
 */
export function deviceLookup(store: DeviceStore, defaultProfile: () => ProfileName | null): DeviceLookup {
  const known = new Map<string, Device>()
  let asOf = -1
  const find = (key: string, owner: () => DeviceId | null): Device | null => {
    const changes = store.changes()
    if (changes !== asOf || known.size >= mostKnown) known.clear()
    asOf = changes
    const before = known.get(key)
    if (before !== undefined) return before
    const id = owner()
    const device = id === null ? null : store.devices.get(id)
    if (device !== null) known.set(key, device)
    return device
  }
  const describe = (device: Device | null): KnownDevice | null => {
    if (device === null) return null
    store.devices.touch(device.id)
    return {
      id: device.id,
      name: device.name,
      user: null,
      profile: device.profile ?? defaultProfile(),
      isApproved: true,
      isBlocked: device.blocked || store.isHeld?.(device) === true,
    }
  }
  return {
    byAddress: (address) => describe(find(address, () => store.peers?.byAddress(address)?.device ?? null)),
    // no address is a stable id: the two never meet in the table
    byNode: (stableId) => describe(find(`node ${stableId}`, () => store.nodes?.get(stableId)?.device ?? null)),
  }
}
