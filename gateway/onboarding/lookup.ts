import type { ProfileName } from '../../workers/contract/ids.ts'
import type { DeviceLookup } from '../flows/identify.ts'
import type { Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'

/**
 * Says which device is behind a tunnel address, reading the store each time: a block holds for the next flow.
 * @param defaultProfile profile of devices that were given none; read anew each time
 */
export function deviceLookup(
  store: { readonly devices: Devices; readonly peers: Peers },
  defaultProfile: () => ProfileName | null,
): DeviceLookup {
  return {
    byAddress(address) {
      const peer = store.peers.byAddress(address)
      const device = peer === null ? null : store.devices.get(peer.device)
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
