import type { Duplex } from 'node:stream'
import { adopt } from './adopt.ts'
import {
  type Action,
  type ActionEvent,
  longestText,
  mostNamedColumns,
  type RecordedAction,
  type Sample,
  type StatementResult,
} from './contract/action.ts'
import { describedText } from './contract/described-text.ts'
import { ClawError } from './contract/errors.ts'
import type { ActionId, Address, EndpointName, EpochMs, RuleName } from './contract/ids.ts'
import type { Certificate, FlowTask, Secret } from './contract/messages.ts'
import { newId } from './contract/new-id.ts'
import type { Closing, Judged, Seen, Session } from './contract/plugin.ts'
import type { CredentialUse, Endpoint, Limits } from './contract/profile.ts'
import type { Deny, FailsafeCause, Judgement, Ruling } from './contract/verdict.ts'
import type { HostLink } from './host.ts'
import { judgeWithRates, type RatedJudgement } from './judge-with-rates.ts'
import type { CurrentProfile } from './profile.ts'
import { perAction } from './recording.ts'
import { gate } from './rules/gate.ts'

/** What a flow's session is made of. */
export interface SessionParts {
  readonly host: HostLink
  readonly current: CurrentProfile
  readonly task: FlowTask
  readonly endpoint: EndpointName
  readonly client: Duplex
  readonly limits: Limits
  readonly signal: AbortSignal
}

interface OpenAction {
  /** Frames there was no room for. */
  lostFrames: number
  /** Whether the room reserved for a ruling has been used. */
  readonly isRuled: boolean
}

type Opened = Extract<ActionEvent, { kind: 'opened' }>

/** What holds for everything that is seen alike, as long as the endpoint's policy is the same. */
interface Known {
  readonly endpoint: Endpoint
  readonly rated: RatedJudgement
  /** How its begin was recorded first; null: not yet. */
  opened: Opened | null
}

/** One flow on one endpoint: the only way from a protocol runtime to the record, to secrets and to upstreams. */
export class FlowSession implements Session {
  readonly flow: FlowTask['flow']
  readonly client: Duplex
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly #parts: SessionParts
  readonly #open = new Map<ActionId, OpenAction>()
  readonly #known = new WeakMap<Seen, Known>()
  /** Whether the flow has ended: nothing is recorded for it any more. */
  #isOver = false
  actions = 0
  /** Whether everything so far was denied. */
  isDenied = false

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.flow = parts.task.flow
    this.client = parts.client
    this.limits = parts.limits
    this.signal = parts.signal
  }

  endpoint(): Endpoint | null {
    return this.#parts.current.endpoint(this.#parts.endpoint)
  }

  judge(seen: Seen): Judged | Promise<Judged> {
    const action = this.#actionOf(seen, this.endpoint())
    this.actions += 1
    const room = this.#parts.host.recording.reserve()
    if (typeof room === 'boolean') return this.#judgeIn(room, action, seen)
    return room.then((hasRoom) => this.#judgeIn(hasRoom, action, seen))
  }

  #judgeIn(hasRoom: boolean, action: Action, seen: Seen): Judged | Promise<Judged> {
    if (!hasRoom) {
      const cause = this.#parts.host.isLost ? 'host_lost' : 'recorder_stalled'
      return this.#rule(action, deny(cause, 'the action cannot be recorded now, try again later'))
    }
    // read again: waiting for room may have outlived a revision
    const endpoint = this.endpoint()
    const known = this.#knownOf(seen, endpoint)
    if (known !== null) return this.#recordAndRule(action, seen, known.rated, known)
    const rated = this.#judgement(seen, endpoint)
    if (rated instanceof Promise) return rated.then((late) => this.#recordAndRule(action, seen, late, null))
    return this.#recordAndRule(action, seen, rated, this.#keep(seen, endpoint, rated))
  }

  #recordAndRule(action: Action, seen: Seen, { judgement, settle }: RatedJudgement, known: Known | null): Judged {
    if (this.#isOver) {
      // nobody would end it in the record, and main knows the flow no more
      this.#parts.host.recording.release(perAction)
      settle(false)
      return this.#rule(action, deny('endpoint_gone', 'the connection has ended'))
    }
    const ruling = this.#record(action, seen, judgement, known)
    const final = this.#cut ?? ruling
    settle(final.kind === 'allow')
    return this.#rule(action, final)
  }

  #knownOf(seen: Seen, endpoint: Endpoint | null): Known | null {
    const known = seen.isKept === true ? this.#known.get(seen) : undefined
    return known !== undefined && known.endpoint === endpoint ? known : null
  }

  /** Keeps what the rules said for the next time; null: they may say something else then. */
  #keep(seen: Seen, endpoint: Endpoint | null, rated: RatedJudgement): Known | null {
    if (seen.isKept !== true || endpoint === null || rated === unevaluated) return null
    try {
      if (!this.#parts.current.rules(endpoint).isTimeless) return null
    } catch {
      return null
    }
    const known = { endpoint, rated, opened: null }
    this.#known.set(seen, known)
    return known
  }

  frame(action: Action, direction: 'up' | 'down', bytes: Uint8Array, total: number): void {
    const open = this.#open.get(action.id)
    if (open === undefined) return
    const kept = bytes.subarray(0, this.limits.sampleBytes)
    const sample = { bytes: new Uint8Array(kept), total, sha256: null, contentType: null }
    const { recording } = this.#parts.host
    if (!recording.offer({ kind: 'frame', action: action.id, direction, sample, at: this.now() })) open.lostFrames += 1
  }

  close(action: Action, closing: Closing): void {
    const open = this.#open.get(action.id)
    if (open === undefined) return
    this.#open.delete(action.id)
    const lost = open.lostFrames === 0 ? null : `${open.lostFrames} frames were not recorded: the record was behind`
    const { recording } = this.#parts.host
    const { bytesUp, bytesDown } = closing
    const status = closing.status.slice(0, longestText)
    const result = closing.result === undefined ? undefined : bounded(closing.result)
    const error = closing.error === null ? lost : (this.#cancelledBecause ?? closing.error.slice(0, longestText))
    const [request, response] = [tight(closing.request), tight(closing.response)]
    const ended = action.id
    const at = this.now()
    // literals, each whole: one on top of the other is slow
    recording.put(
      result === undefined
        ? { kind: 'closed', action: ended, status, error, bytesUp, bytesDown, request, response, at }
        : { kind: 'closed', action: ended, status, error, bytesUp, bytesDown, request, response, at, result },
    )
    if (!open.isRuled) recording.release(1)
  }

  refuse(title: string, reason: string, record: Seen['record']): void {
    if (this.#isOver) return
    const seen = { title, facts: {}, unknowns: [], record, credential: null }
    const action = this.#actionOf(seen, this.endpoint())
    const { recording } = this.#parts.host
    this.actions += 1
    this.isDenied = true
    const opened = {
      kind: 'opened',
      action: recorded(action, seen, []),
      verdict: deny('malformed', reason.slice(0, longestText)),
    } as const
    const none = { error: null, bytesUp: 0, bytesDown: 0, request: null, response: null }
    // both or none: a begin without an end would stay open in the record
    recording.offer(opened, { kind: 'closed', action: action.id, status: 'denied', ...none, at: this.now() })
  }

  certificate(serverName: string): Promise<Certificate> {
    return this.#parts.host.call('certificate', this.flow.id, { serverName })
  }

  secret(credential: CredentialUse): Promise<Secret | null> {
    return this.#parts.host.secret(this.flow.id, credential.name)
  }

  async dial(to: Address): Promise<Duplex> {
    return adopt(await this.#parts.host.call('dial', this.flow.id, { endpoint: this.#parts.endpoint, to }))
  }

  now(): EpochMs {
    return Date.now() as EpochMs
  }

  /** Ends in the record what the runtime left open; what it still asks for is denied. */
  closeRest(error: string): void {
    this.#isOver = true
    for (const id of [...this.#open.keys()]) {
      this.close({ id } as Action, {
        status: 'error',
        error,
        bytesUp: 0,
        bytesDown: 0,
        request: null,
        response: null,
      })
    }
  }

  /** Why the gateway ended the flow: better than what that looks like from inside. */
  get #cancelledBecause(): string | null {
    const { aborted, reason } = this.signal
    return aborted && reason instanceof ClawError ? reason.message : null
  }

  /** Records the begin of an action, and the answer to an ask: there are no approvers yet. */
  #record(action: Action, seen: Seen, { verdict, shadows }: Judgement, known: Known | null): Ruling {
    const { recording } = this.#parts.host
    const isAsk = verdict.kind === 'ask'
    if (known?.opened != null) recording.putLike(known.opened, action)
    else {
      const opened: Opened = { kind: 'opened', action: recorded(action, seen, shadows), verdict }
      recording.put(opened)
      if (known !== null) known.opened = opened
    }
    this.#open.set(action.id, { lostFrames: 0, isRuled: isAsk })
    if (!isAsk) return verdict
    const rule = verdict.decider.by === 'rule' ? verdict.decider.rule : null
    const ruling = deny('approval_unavailable', 'approval required but HITL is not configured', rule)
    recording.put({ kind: 'ruled', action: action.id, ruling })
    return ruling
  }

  /** Why nothing may be sent any more, whatever the rules said. */
  get #cut(): Deny | null {
    if (this.#parts.host.isLost) return deny('host_lost', 'the gateway cannot be reached')
    return this.signal.aborted ? deny('endpoint_gone', 'the connection was cancelled') : null
  }

  #rule(action: Action, verdict: Ruling): Judged {
    const ruling = gate(action.id, verdict)
    this.isDenied = ruling.kind === 'deny' && (this.actions === 1 || this.isDenied)
    return { action, ruling }
  }

  /** @param left how often it is judged anew because the policy was replaced meanwhile */
  #judgement(seen: Seen, endpoint: Endpoint | null, left = 2): RatedJudgement | Promise<RatedJudgement> {
    if (endpoint === null) return unjudged(deny('endpoint_gone', 'the endpoint is no longer in the policy'))
    try {
      const { host, current, task } = this.#parts
      const { facts, unknowns, credential, pending = [] } = seen
      const { profile, peer } = task.flow
      const context = { profile, device: peer.node, endpoint: endpoint.name, nowMs: this.now() }
      const action = { facts, unknowns, credential, context, pending }
      const rated = judgeWithRates(current.rules(endpoint), action, host, this.flow.id)
      if (!(rated instanceof Promise)) return withObstacle(seen, rated)
      return rated.then((late) => this.#unlessReplaced(seen, endpoint, late, left)).catch(() => unevaluated)
    } catch {
      return unevaluated
    }
  }

  /** Reading counters may have outlived a revision, whose rules must not let anything pass any more. */
  #unlessReplaced(seen: Seen, endpoint: Endpoint, rated: RatedJudgement, left: number) {
    const newest = this.endpoint()
    if (newest === endpoint) return withObstacle(seen, rated)
    rated.settle(false)
    if (left > 0) return this.#judgement(seen, newest, left - 1)
    return unjudged(deny('endpoint_gone', 'the policy was replaced while the action was judged, try again'))
  }

  #actionOf(seen: Seen, endpoint: Endpoint | null): Action {
    return {
      id: newId() as ActionId,
      flow: this.flow.id,
      endpoint: this.#parts.endpoint,
      protocol: endpoint?.protocol ?? 'gone',
      credential: seen.credential,
      title: seen.title,
      facts: seen.facts,
      unknowns: seen.unknowns,
      at: this.now(),
    }
  }
}

function withObstacle({ obstacle = null }: Seen, rated: RatedJudgement): RatedJudgement {
  const { judgement, settle } = rated
  if (judgement.verdict.kind === 'deny' || obstacle === null) return rated
  return { judgement: { ...judgement, verdict: deny(obstacle.cause, obstacle.reason) }, settle }
}

function unjudged(verdict: Deny): RatedJudgement {
  return { judgement: { verdict, shadows: [], rated: [] }, settle: () => undefined }
}

const unevaluated = unjudged(deny('unevaluable', 'the rules of the endpoint could not be evaluated'))

function recorded({ facts: _, ...action }: Action, seen: Seen, shadows: Judgement['shadows']): RecordedAction {
  const described = seen.described === undefined ? null : describedText(seen.described)
  return {
    ...action,
    title: action.title.slice(0, longestText),
    facts: seen.record,
    ...(described === null ? {} : { described }),
    ...(shadows.length === 0 ? {} : { shadows }),
  }
}

/** A server may name as many columns as it likes, at any length. */
function bounded({ rows, columns }: StatementResult): StatementResult {
  if (columns === null) return { rows, columns }
  return { rows, columns: columns.slice(0, mostNamedColumns).map((name) => name.slice(0, longestText)) }
}

function deny(cause: FailsafeCause, reason: string, rule: RuleName | null = null): Deny {
  return { kind: 'deny', decider: { by: 'failsafe', cause, rule }, reason }
}

/** Structured clone copies the whole buffer behind a view: a slice of a pooled one would carry its neighbours along. */
function tight(sample: Sample | null): Sample | null {
  if (sample === null || sample.bytes.byteLength === sample.bytes.buffer.byteLength) return sample
  return { ...sample, bytes: new Uint8Array(sample.bytes) }
}
