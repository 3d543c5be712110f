import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionId, EpochMs } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { HostServices } from './services.ts'

/** Writes down that a worker asked for what is not its profile's, as a denied action of the flow. */
export function recordViolation(services: HostServices, flow: Flow, what: string): void {
  const id = newId() as ActionId
  const at = Date.now() as EpochMs
  const decider = { by: 'failsafe', cause: 'malformed', rule: null } as const
  const facts = { host: flow.targetName ?? flow.target.host }
  const action = { id, flow: flow.id, endpoint: null, protocol: 'fault', credential: null, title: what, facts, at }
  services
    .record(flow, [
      { kind: 'opened', action: { ...action, unknowns: [] }, verdict: { kind: 'deny', decider, reason: what } },
      {
        kind: 'closed',
        action: id,
        status: 'denied',
        error: what,
        bytesUp: 0,
        bytesDown: 0,
        request: null,
        response: null,
        at,
      },
    ])
    // the fault is in the log as well
    .catch(() => undefined)
}
