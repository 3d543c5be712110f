import { type Explanation, explain, type RuleWalk } from '../../workers/rules/explain.ts'
import { visible } from '../cli/visible.ts'
import { unsaid } from '../config/rule-outcome.ts'
import type { JudgedPart, Outcome } from './judge-described.ts'

/** Why an outcome is what it is: one walk for each part that was judged. */
export interface ExplainedOutcome {
  readonly outcome: Outcome
  readonly walks: readonly { readonly part: JudgedPart; readonly walk: RuleWalk }[]
}

/** Walks the rules again, in words. */
export function explainOutcome(outcome: Outcome): ExplainedOutcome {
  return { outcome, walks: outcome.parts.map((part) => ({ part, walk: explain(part.rules, part.told) })) }
}

/** The explanation as lines for people; what an agent chose in them begins no line of its own. */
export function explanationLines(explained: ExplainedOutcome): readonly string[] {
  return linesOf(explained).map(visible)
}

function linesOf({ outcome, walks }: ExplainedOutcome): readonly string[] {
  if (outcome.endpoint === null) return [`no endpoint claims the host: ${verdictText(outcome)}`]
  return [
    ...walks.flatMap(({ part, walk }, at) => [
      walks.length === 1 ? part.title : `part ${at + 1} of ${walks.length}: ${part.title}`,
      `  ${situation(outcome, part)}`,
      ...unknownLines(part),
      '',
      ...(walk.rules.length === 0 ? ['  the endpoint has no rules'] : walk.rules.map(ruleLine)),
      '',
      ...(walk.changes.length === 0
        ? []
        : ['  what would change it:', ...walk.changes.map((change) => `  - ${change}`), '']),
    ]),
    `verdict: ${verdictText(outcome)}`,
  ]
}

/** The same as plain data. */
export function explanationObject({ outcome, walks }: ExplainedOutcome): object {
  const { parts: _, ...rest } = outcome
  return {
    ...rest,
    parts: walks.map(({ part, walk }) => ({
      title: part.title,
      credential: part.judgeable.credential,
      ...part.judgeable.context,
      unknowns: part.judgeable.unknowns,
      ...walk,
    })),
  }
}

function situation({ endpoint }: Outcome, { judgeable }: JudgedPart): string {
  const { profile, device, nowMs } = judgeable.context
  return [
    `endpoint ${endpoint}`,
    `credential ${judgeable.credential ?? 'none'}`,
    `profile ${profile}`,
    ...(device === '' ? [] : [`device ${device}`]),
    `at ${new Date(nowMs).toISOString()}`,
  ].join(', ')
}

function unknownLines({ judgeable }: JudgedPart): readonly string[] {
  const unknowns = judgeable.unknowns.map(({ path, because }) => `${path} (${because})`)
  return unknowns.length === 0 ? [] : [`  unknown: ${unknowns.join(', ')}`]
}

/** A condition may be written on several lines. */
const lineEnds = /\s*\n\s*/g
const resultWidth = 'not reached'.length

function ruleLine({ rule, priority, mode, outcome, result, decides, because }: Explanation, at: number): string {
  const what = [
    mode === 'shadow' ? `shadow, would ${outcome}` : outcome,
    ...(priority === 0 ? [] : [`priority ${priority}`]),
  ]
  const mark = decides ? '>' : ' '
  return `${mark} ${String(at + 1).padStart(2)}. ${result.padEnd(resultWidth)}  rule "${rule}" (${what.join(', ')}): ${because.replaceAll(lineEnds, ' ')}`
}

function limitText({ limits }: Outcome): string {
  const { rows, bytes } = limits ?? {}
  const most = [...(rows === undefined ? [] : [`${rows} rows`]), ...(bytes === undefined ? [] : [`${bytes} bytes`])]
  return most.length === 0 ? '' : `, at most ${most.join(' and ')} of a result`
}

function verdictText(outcome: Outcome): string {
  const { verdict, rule, reason, approvers, failsafe } = outcome
  const by = rule === null ? '' : ` by rule "${rule}"`
  const asked = approvers.length === 0 ? '' : `, who would be asked: ${approvers.join(', then ')}`
  // a rule without a reason of its own asks for none
  const own = verdict === 'ask' && reason === unsaid.ask ? null : reason
  const why = own === null ? (rule === null && verdict === 'allow' ? ': no rule matches' : '') : `: ${own}`
  return `${verdict === 'ask' ? 'approve' : verdict}${by}${failsafe === null ? '' : ' (fail closed)'}${asked}${why}${limitText(outcome)}`
}
