import type { PushedVariable } from '../../onboard/protocol.ts'
import type { DeviceDesk, Enrolment, EnrolRequest, KnownDevice } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { Device, Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'
import type { Tokens } from '../store/tokens.ts'
import type { PeerTransport } from './transport.ts'

/** What enrolment is made of. */
export interface EnrolmentParts {
  readonly devices: Devices
  readonly peers: Peers
  readonly tokens: Tokens
  readonly transport: PeerTransport
  /** Names of the policy's profiles, in its order; read anew each time. */
  readonly profiles: () => readonly string[]
  /** What a device of this profile finds in its environment; null: the policy's default profile. */
  readonly variables: (profile: ProfileName | null) => readonly PushedVariable[]
  /** Ends every live flow of a device; resolves when its agents have been told, or soon after. */
  readonly endFlows: (device: DeviceId, because: string) => Promise<void>
}

/** Devices on record and in the transport at once: whatever changes one changes the other. */
export interface DeviceRegistry extends DeviceDesk {
  /** Lets the peers on record into a transport that has just started; runs of an earlier gateway are gone. */
  restore(): Promise<{ readonly peers: number }>
  block(device: DeviceId): Promise<boolean>
  unblock(device: DeviceId): Promise<boolean>
  /** Flows under the old profile end. */
  setProfile(device: DeviceId, profile: ProfileName | null): boolean
}

/** Fulfils onboarding's needs over the store and the live transport. */
export function deviceRegistry(parts: EnrolmentParts): DeviceRegistry {
  const { devices, peers, tokens, transport } = parts
  const removePeers = async (device: DeviceId, which: 'all' | 'ephemeral') => {
    for (const peer of peers.listOf(device)) {
      await transport.removePeer(peer.publicKey)
      if (which === 'all' || peer.ephemeral) peers.remove(peer.publicKey)
    }
  }
  const leaving = new Set<Promise<void>>()
  const leave = async (id: DeviceId) => {
    const gone = forget(id)
    leaving.add(gone)
    try {
      await gone
    } finally {
      leaving.delete(gone)
    }
  }
  /** An address may go to another device only once nobody else's packets can come from it. */
  const allLeft = async () => {
    while (leaving.size > 0) await Promise.allSettled(leaving)
  }
  const forget = async (id: DeviceId) => {
    // first on record: a flow that begins meanwhile is a stranger's
    const gone = peers.listOf(id)
    tokens.revoke(id)
    devices.remove(id)
    // through its tunnel agents learn that their connections are over: it goes last
    await parts.endFlows(id, 'the device was deleted')
    for (const peer of gone) await transport.removePeer(peer.publicKey)
  }
  return {
    async enrol(request) {
      const known = request.rejoinOf === null ? null : devices.get(request.rejoinOf)
      if (known?.blocked === true)
        throw new ClawError('CP_ONBOARD', `${JSON.stringify(known.name)} wants to join again but is blocked`, {
          hint: `clawpatrol device unblock ${known.id}`,
        })
      const holder = peers.get(request.publicKey)
      if (holder !== null && holder.device !== known?.id)
        throw new ClawError('CP_ONBOARD', 'Cannot let the device in: its key is in use by another device')
      const device = known ?? newDevice(devices, request)
      try {
        if (known !== null) {
          await parts.endFlows(known.id, 'the device joined again')
          await removePeers(known.id, 'all')
          if (request.profile !== null) devices.setProfile(known.id, request.profile as ProfileName)
        }
        const { publicKey } = request
        await allLeft()
        const peer = peers.allocate({ publicKey, device: device.id, ephemeral: false, run: null })
        await transport.addPeer(publicKey, [peer.address4, peer.address6])
        devices.setExternal(device.id, request.source)
        const { address4, address6 } = peer
        return { device: device.id, name: device.name, address4, address6, isRejoin: known !== null }
      } catch (error) {
        if (known === null) await leave(device.id)
        throw error
      }
    },
    withdraw: ({ device }: Enrolment) => leave(device),
    issueToken(device) {
      tokens.revoke(device)
      return tokens.mint(device)
    },
    ofToken(token) {
      const id = tokens.deviceOf(token)
      const device = id === null ? null : devices.get(id)
      return device === null ? null : describe(device, peers)
    },
    leave,
    profiles: parts.profiles,
    variables: (device) => parts.variables(device.profile as ProfileName | null),
    async restore() {
      peers.removeEphemeral()
      let count = 0
      for (const peer of peers.list()) {
        if (devices.get(peer.device)?.blocked !== false) continue
        await transport.addPeer(peer.publicKey, [peer.address4, peer.address6])
        count += 1
      }
      return { peers: count }
    },
    async block(id) {
      if (!devices.setBlocked(id, true)) return false
      await parts.endFlows(id, 'the device was blocked')
      await removePeers(id, 'ephemeral')
      return true
    },
    async unblock(id) {
      if (!devices.setBlocked(id, false)) return false
      for (const peer of peers.listOf(id)) await transport.addPeer(peer.publicKey, [peer.address4, peer.address6])
      return true
    },
    setProfile(id, profile) {
      if (!devices.setProfile(id, profile)) return false
      void parts.endFlows(id, 'the device got another profile')
      return true
    },
  }
}

function newDevice(devices: Devices, request: EnrolRequest): Device {
  return devices.create({
    name: request.name,
    profile: request.profile as ProfileName | null,
    transport: 'wireguard',
    approvedBy: request.approvedBy,
  })
}

function describe(device: Device, peers: Peers): KnownDevice {
  const own = peers.listOf(device.id).find((peer) => !peer.ephemeral)
  return {
    id: device.id,
    name: device.name,
    profile: device.profile,
    isBlocked: device.blocked,
    address4: own?.address4 ?? null,
  }
}
