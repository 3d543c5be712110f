import type { ActionEvent, RecordedAction, Sample } from '../../workers/contract/action.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type {
  ActionId,
  ApproverName,
  DeviceId,
  EpochMs,
  FlowId,
  ProfileName,
  RuleName,
} from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { Ruling, Verdict } from '../../workers/contract/verdict.ts'

/** A flow of the device `laptop` to api.example.com. */
export const aFlow: Flow = {
  id: 'flow-1' as FlowId,
  openedAt: 1000 as EpochMs,
  peer: { device: 'd1' as DeviceId, node: 'laptop', user: null, address: { host: '10.55.0.2', port: 40_000 } },
  profile: 'default' as ProfileName,
  target: { host: '192.0.2.1', port: 443 },
  targetName: 'api.example.com',
}

/** An allow of the rule `reads`. */
export const allowed: Ruling = { kind: 'allow', decider: { by: 'rule', rule: 'reads' as RuleName } }
/** A deny of the rule `no-delete`. */
export const denied: Ruling = {
  kind: 'deny',
  decider: { by: 'rule', rule: 'no-delete' as RuleName },
  reason: 'nothing is deleted',
}

/** An ask of the rule `needs-human`. */
export const asked: Verdict = {
  kind: 'ask',
  decider: { by: 'rule', rule: 'needs-human' as RuleName },
  approvers: ['oncall' as ApproverName],
  reason: 'it pays money',
}

/** A body or frame. */
export function aSample(text: string, more: Partial<Sample> = {}): Sample {
  const bytes = Buffer.from(text)
  return { bytes, total: bytes.length, sha256: null, contentType: null, ...more }
}

/** The beginning of `GET https://api.example.com/`. */
export function opened(
  parts: Partial<RecordedAction> & { readonly verdict?: Verdict } = {},
): Extract<ActionEvent, { kind: 'opened' }> {
  const { verdict = allowed, ...action } = parts
  return {
    kind: 'opened',
    action: {
      id: newId() as ActionId,
      flow: aFlow.id,
      endpoint: 'api' as RecordedAction['endpoint'],
      protocol: 'https',
      credential: null,
      title: 'GET https://api.example.com/',
      facts: { method: 'get' },
      unknowns: [],
      at: 1000 as EpochMs,
      ...action,
    },
    verdict,
  }
}

/** Its end with 200. */
export function closed(
  action: ActionId,
  parts: Partial<Extract<ActionEvent, { kind: 'closed' }>> = {},
): Extract<ActionEvent, { kind: 'closed' }> {
  const end = { status: '200', error: null, bytesUp: 10, bytesDown: 20, request: null, response: null }
  return { kind: 'closed', action, ...end, at: 1250 as EpochMs, ...parts }
}

/** A whole action. */
export function whole(parts: Parameters<typeof opened>[0] = {}): readonly [ActionEvent, ActionEvent] {
  const begin = opened(parts)
  return [begin, closed(begin.action.id)]
}
