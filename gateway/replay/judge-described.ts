import type { ActionContext } from '../../workers/contract/action.ts'
import type { DescribedAction } from '../../workers/contract/described.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { CredentialName } from '../../workers/contract/ids.ts'
import type { OfflineDecoder } from '../../workers/contract/offline.ts'
import type { Endpoint, Limits } from '../../workers/contract/profile.ts'
import type { FailsafeCause, Judgement, ResultLimits, ShadowHit, Verdict } from '../../workers/contract/verdict.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { offlineDecoder } from '../../workers/protocols/offline.ts'
import { compileRules, type RuleSet } from '../../workers/rules/compile.ts'
import { type Judgeable, judge } from '../../workers/rules/judge.ts'
import { rateKey } from '../../workers/rules/rates.ts'
import type { Policy } from '../config/policy.ts'
import { endpointLabel, findEndpoint } from './find-endpoint.ts'
import { withoutMasked } from './masked-facts.ts'

/** What a policy says of a described action. */
export interface Outcome {
  /** passthrough: no endpoint claims its host, and such connections are not looked into. */
  readonly verdict: 'allow' | 'deny' | 'ask' | 'passthrough'
  /** The rule that decided; null: none did. */
  readonly rule: string | null
  /** `<type>.<name>`; null: no endpoint claims it. */
  readonly endpoint: string | null
  /** What the agent is told on a denial, and approvers when they are asked. */
  readonly reason: string | null
  /** Who would be asked, in this order. */
  readonly approvers: readonly string[]
  /** How much of a result it may give, where it may pass; null: as much as there is. */
  readonly limits: ResultLimits | null
  /** Why it is denied although no rule says so; null: nothing like that. */
  readonly failsafe: FailsafeCause | null
  /** What shadow rules would have said, over all parts. */
  readonly shadows: readonly ShadowHit[]
  /** What was judged one after the other, such as the statements of one SQL text; empty where nothing was judged. */
  readonly parts: readonly JudgedPart[]
}

/** One part of an action and what the rules say of it. */
export interface JudgedPart {
  readonly title: string
  readonly rules: RuleSet
  /** With masked values as they are written. */
  readonly judgeable: Judgeable
  /** As rules were told: masked values cannot be read. */
  readonly told: Judgeable
  readonly judgement: Judgement
}

/** A part before it is judged. */
export type Undecided = Omit<JudgedPart, 'judgement'>

/**
 * Judges a described action with the evaluator of the live traffic.
 * @param pin `<type>.<name>` of the endpoint; without it the one that claims the host
 * @param decide judges one part; without it as rules are told
 * @throws ClawError CP_CONFIG when it cannot be told which endpoint, profile or credential is meant, or the description
 *   contradicts itself
 */
export async function judgeDescribed(
  policy: Policy,
  described: DescribedAction,
  pin: { readonly endpoint: string } | null = null,
  decide: (part: Undecided) => Judgement = ({ rules, told }) => judge(rules, told),
): Promise<Outcome> {
  const destination = findEndpoint(policy, described, pin?.endpoint ?? null)
  if (destination.kind === 'unclaimed') return unclaimed(destination.host, destination.unknownHost)
  const { profile, endpoint } = destination
  checkCredential(policy, described.credential)
  const decode = await decoderOf(endpoint.protocol)
  const context = {
    profile: profile.name,
    device: described.device ?? '',
    endpoint: endpoint.name,
    nowMs: timeOf(described.at),
  }
  const parts = judgeParts({ decode, described, endpoint, limits: profile.limits, context, decide })
  return outcomeOf(endpoint, parts)
}

interface Situation {
  readonly decode: OfflineDecoder
  readonly described: DescribedAction
  readonly endpoint: Endpoint
  readonly limits: Limits
  readonly context: ActionContext
  readonly decide: (part: Undecided) => Judgement
}

function judgeParts({ decode, described, endpoint, limits, context, decide }: Situation): readonly JudgedPart[] {
  const rules = rulesOf(endpoint)
  const { rates = {} } = described
  const counts = new Map(
    rules.rates.map((counter) => [
      rateKey(counter),
      Object.hasOwn(rates, counter.name) ? (rates[counter.name] ?? 0) : 0,
    ]),
  )
  return decode(withHost(described, endpoint), endpoint, limits).map(
    ({ title, facts, unknowns, credential, pending = [] }) => {
      const chosen = described.credential === undefined ? credential : (described.credential as CredentialName)
      const judgeable = { facts, unknowns, credential: chosen, context, counts, pending }
      const told = { ...judgeable, facts: withoutMasked(facts, described) }
      const part = { title, rules, judgeable, told }
      return { ...part, judgement: decide(part) }
    },
  )
}

/** The first denial decides, else the first question, else the first part. */
function outcomeOf(endpoint: Endpoint, parts: readonly JudgedPart[]): Outcome {
  const verdicts = parts.map(({ judgement }) => judgement.verdict)
  const verdict: Verdict = verdicts.find(({ kind }) => kind === 'deny') ??
    verdicts.find(({ kind }) => kind === 'ask') ??
    verdicts[0] ?? { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
  const { decider } = verdict
  return {
    verdict: verdict.kind,
    rule: decider.by === 'default' ? null : decider.rule,
    endpoint: endpointLabel(endpoint),
    reason: verdict.kind === 'allow' ? null : verdict.reason,
    approvers: verdict.kind === 'ask' ? verdict.approvers : [],
    limits: verdict.kind === 'deny' ? null : (verdict.limits ?? null),
    failsafe: decider.by === 'failsafe' ? decider.cause : null,
    shadows: parts.flatMap(({ judgement }) => judgement.shadows),
    parts,
  }
}

function unclaimed(host: string, unknownHost: 'splice' | 'deny'): Outcome {
  const isDenied = unknownHost === 'deny'
  return {
    verdict: isDenied ? 'deny' : 'passthrough',
    rule: null,
    endpoint: null,
    reason: isDenied ? `no endpoint claims ${host}` : null,
    approvers: [],
    limits: null,
    failsafe: null,
    shadows: [],
    parts: [],
  }
}

/** Without a host the only one an endpoint has is meant. */
function withHost(described: DescribedAction, { hosts }: Endpoint): DescribedAction {
  const [only, other] = hosts
  if (described.host !== undefined || only === undefined || other !== undefined || only.startsWith('*'))
    return described
  return { ...described, host: only }
}

function checkCredential({ credentials }: Policy, name: string | undefined): void {
  if (name === undefined || credentials.some((credential) => credential.name === name)) return
  throw new ClawError('CP_CONFIG', `action.credential: there is no credential ${JSON.stringify(name)}`)
}

function timeOf(at: string | undefined): number {
  if (at === undefined) return Date.now()
  const time = Date.parse(at)
  if (Number.isNaN(time)) throw new ClawError('CP_CONFIG', `action.at: ${JSON.stringify(at)} is not a time`)
  return time
}

const sets = new WeakMap<Endpoint, RuleSet>()

/** The rules of an endpoint, compiled once. */
export function rulesOf(endpoint: Endpoint): RuleSet {
  const known = sets.get(endpoint)
  if (known !== undefined) return known
  const set = compileRules(endpoint.rules, protocolNamed(endpoint.protocol)?.families ?? [], endpoint.unmatched)
  sets.set(endpoint, set)
  return set
}

const decoders = new Map<string, Promise<OfflineDecoder>>()

function decoderOf(type: string): Promise<OfflineDecoder> {
  const known = decoders.get(type) ?? offlineDecoder(type)
  decoders.set(type, known)
  return known
}
