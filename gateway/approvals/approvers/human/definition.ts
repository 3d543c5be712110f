import { z } from 'zod'
import { field, flag, text, whole } from '../../../../workers/contract/fields.ts'
import type { ApproverDefinition, SettingsProblem } from '../../../../workers/contract/plugin.ts'
import { asyncGrantProblems, asyncGrantSchema } from './async-grant.ts'

const count = () => whole().refine((value) => value >= 0, { error: 'must not be negative' })

const settings = z.strictObject({
  channel: field(text(), {
    doc: 'Where people are asked: a Slack channel or a chat id; empty for the dashboard alone.',
    example: '"#approvals"',
  }),
  credential: field(z.unknown().optional(), {
    doc: 'Credential the channel is written to with.',
    ref: 'credential',
    refTypes: ['slack_tokens'],
    example: 'slack_tokens.ops',
  }),
  timeout: field(count().optional(), {
    doc: 'Seconds people have to answer; 0 means defaults.human_timeout.',
    fallback: 'defaults.human_timeout, else 600',
    example: '120',
  }),
  require_approvers: field(count().optional(), {
    doc: 'How many different people must allow it; one denial denies.',
    fallback: '1',
    example: '2',
  }),
  interactive: field(flag().optional(), {
    doc: 'Puts buttons in the message; needs the signing_secret of the credential and public_url.',
    fallback: 'false',
  }),
  classifier: field(z.unknown().optional(), {
    doc: 'Approver whose model sums the request up for the people who are asked; decides nothing.',
    ref: 'approver',
    refTypes: ['llm_approver'],
    example: 'llm_approver.summary',
  }),
  message: field(text().optional(), {
    doc: 'Text of the message, with variables like {{profile}} and {{http.path}}; replaces the summary.',
    example: '"{{profile}} wants {{http.method}} {{http.path}}"',
  }),
  sync_wait_timeout: field(text().optional(), {
    doc: 'How long a request is held before an async grant hands it back.',
    unit: 'duration',
    example: '"30s"',
  }),
  async_grant: field(asyncGrantSchema.optional(), {
    doc: 'Lets an agent come back later with the request that was approved.',
    block: true,
  }),
})

/** Settings of a human_approver. */
export type HumanApproverSettings = z.output<typeof settings>

/** `approver "human_approver"`: people, asked in a channel and on the dashboard. */
export const human: ApproverDefinition<typeof settings> = {
  kind: 'approver',
  type: 'human_approver',
  summary: 'people, asked in a channel and on the dashboard',
  settings,
  check,
  isServed: false,
}

function check(settings: HumanApproverSettings): readonly SettingsProblem[] {
  const problems = [...asyncGrantProblems(settings)]
  const isAlone = settings.interactive === true && settings.credential === undefined
  if (isAlone)
    problems.push({
      path: ['interactive'],
      message: 'interactive has no effect without credential: there is no message to put buttons in',
      severity: 'warning',
    })
  return problems
}
