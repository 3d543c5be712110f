import type { PushedVariable } from '../../onboard/protocol.ts'
import type { DeviceDesk, EnrolRequest, KnownDevice } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { Device, Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'
import type { Tokens } from '../store/tokens.ts'
import { noPlace, pairOf } from './pinning.ts'
import type { TailnetMembers } from './tailnet-members.ts'
import type { PeerTransport } from './transport.ts'
import { type WireguardMembers, wireguardMembers } from './wireguard-members.ts'

/** What enrolment is made of. */
export interface EnrolmentParts {
  readonly devices: Devices
  readonly tokens: Tokens
  /** With `transport`; absent: no WireGuard. */
  readonly peers?: Peers
  readonly transport?: PeerTransport
  /** Absent: no tailnet. */
  readonly tailnet?: TailnetMembers
  /** Names of the policy's profiles, in its order; read anew each time. */
  readonly profiles: () => readonly string[]
  /** What a device of this profile finds in its environment; null: the policy's default profile. */
  readonly variables: (profile: ProfileName | null) => readonly PushedVariable[]
  /** Ends every live flow of a device; resolves when its agents have been told, or soon after. */
  readonly endFlows: (device: DeviceId, because: string) => Promise<void>
}

/** Devices on record and in the transports at once: whatever changes one changes the other. */
export interface DeviceRegistry extends DeviceDesk {
  /** Lets the peers on record into a transport that has just started; runs of an earlier gateway are gone. */
  restore(): Promise<{ readonly peers: number }>
  /** @param because why the gateway does it; absent: an operator wants it */
  block(device: DeviceId, because?: string): Promise<boolean>
  /** Lets it in as it is: where it is seen next is where it is pinned to. */
  unblock(device: DeviceId): Promise<boolean>
  /** Flows under the old profile end. */
  setProfile(device: DeviceId, profile: ProfileName | null): boolean
}

/** Fulfils onboarding's needs over the store and the live transports. */
export function deviceRegistry(parts: EnrolmentParts): DeviceRegistry {
  const { devices, tokens, tailnet } = parts
  const { peers, transport } = parts
  const wireguard = peers === undefined || transport === undefined ? null : wireguardMembers(peers, transport)
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
    const gone = wireguard?.listOf(id) ?? []
    tailnet?.forget(id)
    tokens.revoke(id)
    devices.remove(id)
    // through its tunnel agents learn that their connections are over: it goes last
    await parts.endFlows(id, 'the device was deleted')
    await wireguard?.drop(gone)
  }
  /** Ends what a device had before it joined again, by whichever transport. */
  const startAnew = async (id: DeviceId, request: EnrolRequest) => {
    await parts.endFlows(id, 'the device joined again')
    await wireguard?.remove(id, 'all')
    tailnet?.rejoined(id, request.transport)
    if (request.profile !== null) devices.setProfile(id, request.profile as ProfileName)
    devices.setTransport(id, storedAs[request.transport.kind], request.transport.isWholeMachine)
  }
  /** To be called while nothing of the device can be heard: what it had is gone, what it gets is not there yet. */
  const pin = (id: DeviceId, { source }: EnrolRequest) =>
    devices.setExternal(id, source === null ? noPlace : pairOf([source]))
  return {
    async enrol(request) {
      const known = request.rejoinOf === null ? null : devices.get(request.rejoinOf)
      if (known?.blocked === true)
        throw new ClawError('CP_ONBOARD', `${JSON.stringify(known.name)} wants to join again but is blocked`, {
          hint: `clawpatrol device unblock ${known.id}`,
        })
      if (request.transport.kind === 'wireguard') wireguard?.mustBeFree(request.transport.publicKey, known?.id ?? null)
      const device = known ?? newDevice(devices, request)
      const { id, name } = device
      const isRejoin = known !== null
      try {
        if (request.transport.kind === 'tailscale') {
          if (tailnet === undefined) throw isOff('Tailscale')
          // first: a device that joins again keeps what it has when there is no key for it
          const authKey = await tailnet.mint(device, request.transport)
          mustStillBeThere(devices.get(id), name)
          if (isRejoin) await startAnew(id, request)
          pin(id, request)
          const nowhere = { address4: null, address6: null }
          return { enrolment: { transport: 'tailscale', device: id, name, isRejoin, ...nowhere }, authKey }
        }
        if (wireguard === null) throw isOff('WireGuard')
        if (isRejoin) await startAnew(id, request)
        pin(id, request)
        await allLeft()
        const addresses = await wireguard.add(request.transport.publicKey, id)
        return { enrolment: { transport: 'wireguard', device: id, name, isRejoin, ...addresses }, authKey: null }
      } catch (error) {
        if (!isRejoin) await leave(id)
        throw error
      }
    },
    withdraw: ({ device }) => leave(device),
    issueToken(device) {
      if (devices.get(device) === null)
        throw new ClawError('CP_ONBOARD', 'Cannot let the device in: it was removed meanwhile')
      tokens.revoke(device)
      return tokens.mint(device)
    },
    ofToken(token) {
      const id = tokens.deviceOf(token)
      const device = id === null ? null : devices.get(id)
      return device === null ? null : describe(device, wireguard, tailnet)
    },
    leave,
    profiles: parts.profiles,
    variables: (device) => parts.variables(device.profile as ProfileName | null),
    restore: async () => ({ peers: (await wireguard?.restore((id) => devices.get(id)?.blocked === false)) ?? 0 }),
    async block(id, because) {
      if (!devices.setBlocked(id, true, because)) return false
      tailnet?.suspend(id)
      await parts.endFlows(id, 'the device was blocked')
      await wireguard?.remove(id, 'ephemeral')
      return true
    },
    async unblock(id) {
      if (!devices.setBlocked(id, false)) return false
      devices.setExternal(id, noPlace)
      await wireguard?.letBackIn(id)
      return true
    },
    setProfile(id, profile) {
      if (!devices.setProfile(id, profile)) return false
      void parts.endFlows(id, 'the device got another profile')
      return true
    },
  }
}

const storedAs = { wireguard: 'wireguard', tailscale: 'tailnet' } as const

function newDevice(devices: Devices, request: EnrolRequest): Device {
  return devices.create({
    name: request.name,
    profile: request.profile as ProfileName | null,
    transport: storedAs[request.transport.kind],
    wholeMachine: request.transport.isWholeMachine,
    approvedBy: request.approvedBy,
  })
}

/** Making a key takes its time: meanwhile the device may have been deleted or blocked. */
function mustStillBeThere(device: Device | null, name: string): void {
  if (device === null || device.blocked)
    throw new ClawError('CP_ONBOARD', `Cannot let ${JSON.stringify(name)} in: it was removed or blocked meanwhile`)
}

function isOff(transport: string): ClawError {
  return new ClawError('CP_ONBOARD', `Cannot let the device in: this gateway has no ${transport}`)
}

function describe(
  device: Device,
  wireguard: WireguardMembers | null,
  tailnet: TailnetMembers | undefined,
): KnownDevice {
  const isTailnet = device.transport === 'tailnet'
  const address = isTailnet ? tailnet?.addressOf(device.id) : wireguard?.addressOf(device.id)
  return {
    id: device.id,
    name: device.name,
    profile: device.profile,
    isBlocked: device.blocked,
    transport: isTailnet ? 'tailscale' : 'wireguard',
    address4: address ?? null,
  }
}
