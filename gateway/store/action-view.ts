import type { Fact, Unknown } from '../../workers/contract/action.ts'
import { deciderLabel, type ShadowHit } from '../../workers/contract/verdict.ts'

/** An action on record, as tables, JSON lines and live feeds show it. */
export interface ActionView {
  /** Grows with every record. */
  readonly seq: number
  readonly id: string
  readonly flow: string
  /** When it began, ISO 8601. */
  readonly at: string
  /** The device's name when it happened. */
  readonly device: string | null
  readonly deviceId: string | null
  readonly user: string | null
  readonly source: string | null
  readonly target: string | null
  readonly targetName: string | null
  readonly profile: string | null
  readonly endpoint: string | null
  readonly protocol: string
  readonly credential: string | null
  readonly title: string
  readonly facts: { readonly [name: string]: Fact }
  readonly unknowns: readonly Unknown[]
  /** `ask` while approvers have not answered. */
  readonly decision: 'allow' | 'deny' | 'ask'
  readonly decidedBy: 'rule' | 'default' | 'failsafe'
  readonly rule: string | null
  /** Setting or failsafe cause, where it was not a rule alone. */
  readonly cause: string | null
  /** Rule, setting or cause as one label. */
  readonly decider: string
  readonly reason: string | null
  /** Shadow rules that would have decided. */
  readonly shadows: readonly ShadowHit[]
  /** null while it is under way. */
  readonly status: string | null
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly ms: number | null
}

/** An action as its row holds it. */
export interface ActionRow {
  readonly seq: number
  readonly id: string
  readonly flow: string
  readonly device: string | null
  readonly node: string | null
  readonly user: string | null
  readonly source: string | null
  readonly target: string | null
  readonly targetName: string | null
  readonly profile: string | null
  readonly endpoint: string | null
  readonly protocol: string
  readonly credential: string | null
  readonly title: string
  readonly facts: string
  readonly unknowns: string | null
  readonly verdict: 'allow' | 'deny' | 'ask'
  readonly decidedBy: 'rule' | 'default' | 'failsafe'
  readonly rule: string | null
  readonly cause: string | null
  readonly reason: string | null
  readonly shadows: string | null
  readonly status: string | null
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly openedAt: number
  readonly closedAt: number | null
  readonly durationMs: number | null
}

/** Turns a row into what people and programs see. */
export function actionView(row: ActionRow): ActionView {
  return {
    seq: row.seq,
    id: row.id,
    flow: row.flow,
    at: new Date(row.openedAt).toISOString(),
    device: row.node,
    deviceId: row.device,
    user: row.user,
    source: row.source,
    target: row.target,
    targetName: row.targetName,
    profile: row.profile,
    endpoint: row.endpoint,
    protocol: row.protocol,
    credential: row.credential,
    title: row.title,
    facts: JSON.parse(row.facts) as ActionView['facts'],
    unknowns: row.unknowns === null ? [] : (JSON.parse(row.unknowns) as Unknown[]),
    decision: row.verdict,
    decidedBy: row.decidedBy,
    rule: row.rule,
    cause: row.cause,
    decider: labelOf(row),
    reason: row.reason,
    shadows: row.shadows === null ? [] : (JSON.parse(row.shadows) as ShadowHit[]),
    status: row.status,
    error: row.error,
    bytesUp: row.bytesUp,
    bytesDown: row.bytesDown,
    ms: row.durationMs,
  }
}

function labelOf({ decidedBy, rule, cause }: ActionRow): string {
  const decider = { by: decidedBy, rule, setting: cause, cause } as Parameters<typeof deciderLabel>[0]
  return deciderLabel(decider)
}
