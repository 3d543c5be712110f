import type { Flow, Route } from '../../workers/contract/flow.ts'
import type { DeviceId, Fd, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { FlowReport } from '../../workers/contract/messages.ts'
import type { ActiveFlows } from './active.ts'
import type { AddressBook } from './address-book.ts'
import type { DestinationPolicy } from './destination.ts'
import type { FlowRecord, RecordPort } from './flow-record.ts'
import type { DeviceLookup, ProfileLookup } from './identify.ts'
import type { VirtualNames } from './names.ts'
import type { Resolver } from './resolver.ts'

/** Where inspected flows go; `Pools` is one. */
export interface FlowPools {
  hasRoom(profile: ProfileName): boolean
  /** Owns the descriptor whatever happens; never rejects. */
  run(flow: Flow, route: Extract<Route, { kind: 'inspect' }>, fd: Fd): Promise<FlowReport>
  cancel(flow: FlowId, because: string): void
}

/** Everything dispatching needs of the rest of the gateway. */
export interface DispatchPorts extends RecordPort {
  readonly devices: DeviceLookup
  readonly profiles: ProfileLookup
  readonly names: Pick<VirtualNames, 'addressOf' | 'lookUp'>
  readonly addresses: Pick<AddressBook, 'locate'>
  readonly resolver: Resolver
  readonly policy: DestinationPolicy
  readonly pools: FlowPools
  /** Told of every sign of life of an approved device. */
  seen?(device: DeviceId): void
}

/** Counters for status and metrics; they only grow. */
export interface DispatchCounts {
  /** TCP flows announced. */
  flows: number
  /** Of devices that are unknown, not approved, blocked or without a profile: over every transport. */
  closed: number
  refused: number
  inspected: number
  relayed: number
  /** UDP 5-tuples announced that are not DNS. */
  datagrams: number
  datagramsDropped: number
  /** Of them, those to port 443 of profiles with intercepted hosts. */
  quicDropped: number
  queries: number
  /** Over the limit of look-ups at once. */
  queriesTurnedAway: number
  /** Errors of our own that ended a flow. */
  faults: number
}

/** What the parts of the dispatcher share. */
export interface DispatchParts {
  readonly ports: DispatchPorts
  readonly active: ActiveFlows
  readonly record: FlowRecord
  readonly counts: DispatchCounts
}
