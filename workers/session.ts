import type { Duplex } from 'node:stream'
import { adopt } from './adopt.ts'
import type { Action, RecordedAction, Sample } from './contract/action.ts'
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

/** One flow on one endpoint: the only way from a protocol runtime to the record, to secrets and to upstreams. */
export class FlowSession implements Session {
  readonly flow: FlowTask['flow']
  readonly client: Duplex
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly #parts: SessionParts
  readonly #open = new Map<ActionId, OpenAction>()
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

  async judge(seen: Seen): Promise<Judged> {
    const { host } = this.#parts
    const endpoint = this.endpoint()
    const action = this.#actionOf(seen, endpoint)
    this.actions += 1
    const room = host.recording.reserve()
    const hasRoom = room === true || (room !== false && (await room))
    if (!hasRoom) {
      const cause = host.isLost ? 'host_lost' : 'recorder_stalled'
      return this.#rule(action, deny(cause, 'the action cannot be recorded now, try again later'))
    }
    // read again: waiting for room may have outlived a revision
    const { judgement, settle } = await this.#judgement(seen, this.endpoint())
    const ruling = this.#record(action, seen, judgement)
    await host.recording.posted()
    const final = this.#cut ?? ruling
    settle(final.kind === 'allow')
    return this.#rule(action, final)
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
    recording.put({
      kind: 'closed',
      action: action.id,
      status: closing.status,
      error: closing.error === null ? lost : (this.#cancelledBecause ?? closing.error),
      bytesUp: closing.bytesUp,
      bytesDown: closing.bytesDown,
      request: tight(closing.request),
      response: tight(closing.response),
      at: this.now(),
    })
    if (!open.isRuled) recording.release(1)
  }

  refuse(title: string, reason: string, record: Seen['record']): void {
    const seen = { title, facts: {}, unknowns: [], record, credential: null }
    const action = this.#actionOf(seen, this.endpoint())
    const { recording } = this.#parts.host
    this.actions += 1
    this.isDenied = true
    const opened = { kind: 'opened', action: recorded(action, seen, []), verdict: deny('malformed', reason) } as const
    // its end is only worth recording where its begin was
    if (!recording.offer(opened)) return
    recording.offer({
      kind: 'closed',
      action: action.id,
      status: 'denied',
      error: null,
      bytesUp: 0,
      bytesDown: 0,
      request: null,
      response: null,
      at: this.now(),
    })
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

  /** Ends in the record what the runtime left open. */
  closeRest(error: string): void {
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
  #record(action: Action, seen: Seen, { verdict, shadows }: Judgement): Ruling {
    const { recording } = this.#parts.host
    const isAsk = verdict.kind === 'ask'
    recording.put({ kind: 'opened', action: recorded(action, seen, shadows), verdict })
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
  async #judgement(seen: Seen, endpoint: Endpoint | null, left = 2): Promise<RatedJudgement> {
    if (endpoint === null) return unjudged(deny('endpoint_gone', 'the endpoint is no longer in the policy'))
    try {
      const { host, current, task } = this.#parts
      const { facts, unknowns, credential, pending = [] } = seen
      const { profile, peer } = task.flow
      const context = { profile, device: peer.node, endpoint: endpoint.name, nowMs: this.now() }
      const action = { facts, unknowns, credential, context, pending }
      const { judgement, settle } = await judgeWithRates(current.rules(endpoint), action, host, this.flow.id)
      // reading counters may have outlived a revision, whose rules must not let anything pass any more
      const newest = this.endpoint()
      if (newest !== endpoint) {
        settle(false)
        if (left > 0) return this.#judgement(seen, newest, left - 1)
        return unjudged(deny('endpoint_gone', 'the policy was replaced while the action was judged, try again'))
      }
      const { obstacle = null } = seen
      if (judgement.verdict.kind === 'deny' || obstacle === null) return { judgement, settle }
      return { judgement: { ...judgement, verdict: deny(obstacle.cause, obstacle.reason) }, settle }
    } catch {
      return unjudged(deny('unevaluable', 'the rules of the endpoint could not be evaluated'))
    }
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

function unjudged(verdict: Deny): RatedJudgement {
  return { judgement: { verdict, shadows: [], rated: [] }, settle: () => undefined }
}

function recorded({ facts: _, ...action }: Action, seen: Seen, shadows: Judgement['shadows']): RecordedAction {
  const described = seen.described === undefined ? null : describedText(seen.described)
  return {
    ...action,
    facts: seen.record,
    ...(described === null ? {} : { described }),
    ...(shadows.length === 0 ? {} : { shadows }),
  }
}

function deny(cause: FailsafeCause, reason: string, rule: RuleName | null = null): Deny {
  return { kind: 'deny', decider: { by: 'failsafe', cause, rule }, reason }
}

/** Structured clone copies the whole buffer behind a view: a slice of a pooled one would carry its neighbours along. */
function tight(sample: Sample | null): Sample | null {
  if (sample === null || sample.bytes.byteLength === sample.bytes.buffer.byteLength) return sample
  return { ...sample, bytes: new Uint8Array(sample.bytes) }
}
