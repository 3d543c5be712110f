import type { ActionEvent, Fact, Sample, StatementResult } from '../../workers/contract/action.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { Address } from '../../workers/contract/ids.ts'
import type { Decider, Ruling, Verdict } from '../../workers/contract/verdict.ts'
import type { ActionDraft, SampleDraft } from '../store/action-writer.ts'
import { keptDescription } from './described.ts'
import type { Redactor } from './redact.ts'

type Opened = Extract<ActionEvent, { kind: 'opened' }>
type Closed = Extract<ActionEvent, { kind: 'closed' }>
type Frame = Extract<ActionEvent, { kind: 'frame' }>

/** What of an agent's words is kept at most, UTF-16 units. */
const longest = { name: 256, title: 2048, fact: 1024, facts: 16_384, words: 4096 } as const

/** Begins a row: everything in it is redacted and bounded. */
export function draftOf({ action, verdict }: Opened, flow: Flow | null, redactor: Redactor): ActionDraft {
  return {
    id: action.id,
    flow: action.flow,
    device: flow?.peer.device ?? null,
    node: flow?.peer.node ?? null,
    user: flow?.peer.user ?? null,
    source: flow === null ? null : addressText(flow.peer.address),
    target: flow === null ? null : addressText(flow.target),
    targetName: flow?.targetName == null ? null : cut(redactor.text(flow.targetName), longest.name),
    profile: flow?.profile ?? null,
    endpoint: action.endpoint,
    protocol: action.protocol,
    credential: action.credential,
    title: cut(redactor.text(action.title), longest.title),
    facts: factsJson(action.facts, redactor),
    unknowns: action.unknowns.length === 0 ? null : JSON.stringify(action.unknowns),
    ...decided(verdict, redactor),
    shadows: action.shadows === undefined || action.shadows.length === 0 ? null : JSON.stringify(action.shadows),
    described: action.described === undefined ? null : keptDescription(action.described, redactor),
    status: null,
    error: null,
    bytesUp: 0,
    bytesDown: 0,
    openedAt: action.at,
    closedAt: null,
    durationMs: null,
  }
}

/** Notes what the approvers answered. */
export function rule(draft: ActionDraft, ruling: Ruling, redactor: Redactor): void {
  Object.assign(draft, decided(ruling, redactor))
}

/** Ends a row. A clock that was set back makes no negative duration. */
export function end(draft: ActionDraft, closed: Closed, redactor: Redactor): void {
  const { status, error, bytesUp, bytesDown, closedAt } = ending(closed, redactor)
  draft.status = status
  draft.error = error
  draft.bytesUp = bytesUp
  draft.bytesDown = bytesDown
  draft.closedAt = closedAt
  draft.durationMs = Math.max(0, Math.round(closed.at - draft.openedAt))
  if (closed.result !== undefined) draft.facts = withResult(draft.facts, closed.result, redactor)
}

/** Facts with what is known only at the end: how many rows there were, and names of their columns. */
function withResult(facts: string, { rows, columns }: StatementResult, redactor: Redactor): string {
  const more = redactor.json({ rows, ...(columns === null ? {} : { result_columns: columns }) }, longest.name)
  return facts === '{}' ? more : `${facts.slice(0, -1)},${more.slice(1)}`
}

/** The columns of an end. */
export function ending(
  closed: Closed,
  redactor: Redactor,
): Pick<ActionDraft, 'status' | 'error' | 'bytesUp' | 'bytesDown' | 'closedAt'> {
  return {
    status: cut(closed.status, longest.name),
    error: closed.error === null ? null : cut(redactor.words(closed.error), longest.words),
    bytesUp: closed.bytesUp,
    bytesDown: closed.bytesDown,
    closedAt: closed.at,
  }
}

/** Samples of both bodies; empty bodies leave none. */
export function bodySamples(closed: Closed, redactor: Redactor, most: number): readonly SampleDraft[] {
  const drafts: SampleDraft[] = []
  for (const kind of ['request', 'response'] as const) {
    const body = closed[kind]
    if (body !== null && body.total > 0) drafts.push(sampleDraft(kind, body, closed.at, { redactor, most }))
  }
  return drafts
}

/** A frame's sample. A secret may begin in one frame and end in the next: its parts are redacted too. */
export function frameSample({ direction, sample, at }: Frame, redactor: Redactor, most: number): SampleDraft {
  const kind = direction === 'up' ? 'frame-up' : 'frame-down'
  return sampleDraft(kind, sample, at, { redactor, most })
}

function sampleDraft(
  kind: SampleDraft['kind'],
  sample: Sample,
  at: number,
  { redactor, most }: { readonly redactor: Redactor; readonly most: number },
): SampleDraft {
  const isFrame = kind === 'frame-up' || kind === 'frame-down'
  const kept = sample.bytes.length > most ? sample.bytes.subarray(0, most) : sample.bytes
  const isCut = kept.length < sample.total
  return {
    kind,
    bytes: redactor.bytes(kept, { start: isFrame, end: isFrame || isCut }),
    total: sample.total,
    sha256: sample.sha256,
    contentType: sample.contentType === null ? null : cut(redactor.text(sample.contentType), longest.name),
    at,
  }
}

function decided(
  verdict: Verdict,
  redactor: Redactor,
): Pick<ActionDraft, 'verdict' | 'decidedBy' | 'rule' | 'cause' | 'reason'> {
  return {
    verdict: verdict.kind,
    ...deciderColumns(verdict.decider),
    reason: verdict.kind === 'allow' ? null : cut(redactor.words(verdict.reason), longest.words),
  }
}

function deciderColumns(decider: Decider): Pick<ActionDraft, 'decidedBy' | 'rule' | 'cause'> {
  switch (decider.by) {
    case 'rule':
      return { decidedBy: 'rule', rule: decider.rule, cause: null }
    case 'default':
      return { decidedBy: 'default', rule: null, cause: decider.setting }
    case 'failsafe':
      return { decidedBy: 'failsafe', rule: decider.rule, cause: decider.cause }
    default:
      // nothing in it may become a column
      decider satisfies never
      throw new ClawError('CP_STORE', 'Cannot record an action: who decided it is unknown')
  }
}

/** Facts as JSON that can be read back: bounded by shortening long texts, then by dropping facts, never by cutting. */
function factsJson(facts: { readonly [name: string]: Fact }, redactor: Redactor): string {
  const json = redactor.json(facts, longest.fact)
  if (json.length <= longest.facts) return json
  const kept: { [name: string]: Fact } = {}
  let room = longest.facts - 64
  for (const [name, fact] of Object.entries(facts)) {
    const size = redactor.json({ [name]: fact }, longest.fact).length
    if (size > room) continue
    room -= size
    kept[name] = fact
  }
  return redactor.json({ ...kept, '…': 'facts too long to keep are left out' }, longest.fact)
}

function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
