import type { ProfileName } from '../../workers/contract/ids.ts'
import type { DeviceLookup } from '../flows/identify.ts'
import type { Device, Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'

/** Addresses remembered at most; beyond it all are forgotten. */
const mostKnown = 4096

/**
 * Says which device is behind a tunnel address. What the store said is remembered until something is written to it:
 * a block holds for the next flow.
 * @param store.changes grows with every write to devices and peers
 * @param defaultProfile profile of devices that were given none; read anew each time
 */
export function deviceLookup(
  store: { readonly devices: Devices; readonly peers: Peers; readonly changes: () => number },
  defaultProfile: () => ProfileName | null,
): DeviceLookup {
  const known = new Map<string, Device>()
  let asOf = -1
  const find = (address: string): Device | null => {
    const changes = store.changes()
    if (changes !== asOf || known.size >= mostKnown) known.clear()
    asOf = changes
    const before = known.get(address)
    if (before !== undefined) return before
    const peer = store.peers.byAddress(address)
    const device = peer === null ? null : store.devices.get(peer.device)
    if (device !== null) known.set(address, device)
    return device
  }
  return {
    byAddress(address) {
      const device = find(address)
      if (device === null) return null
      store.devices.touch(device.id)
      return {
        id: device.id,
        name: device.name,
        user: null,
        profile: device.profile ?? defaultProfile(),
        isApproved: true,
        isBlocked: device.blocked,
      }
    },
  }
}
