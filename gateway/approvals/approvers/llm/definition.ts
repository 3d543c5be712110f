import { z } from 'zod'
import { field, reference, text } from '../../../../workers/contract/fields.ts'
import type { ApproverDefinition, SettingsProblem } from '../../../../workers/contract/plugin.ts'

const settings = z.strictObject({
  model: field(text(), {
    doc: 'Model that judges; its name tells the API: claude- is that of Anthropic, gpt- and o that of OpenAI.',
    example: '"claude-haiku-4-5-20251001"',
  }),
  credential: field(reference(), {
    doc: 'Credential the model is asked with.',
    ref: 'credential',
    example: 'anthropic_manual_key.judge',
  }),
  policy: field(text().optional(), {
    doc: 'What to allow and what to refuse, in words; the reason of the rule when it is not set.',
    example: '"Refuse mail that promises a refund."',
  }),
})

/** Settings of an llm_approver. */
export type LlmApproverSettings = z.output<typeof settings>

/** `approver "llm_approver"`: a language model. */
export const llm: ApproverDefinition<typeof settings> = {
  kind: 'approver',
  type: 'llm_approver',
  summary: 'a language model that judges by a policy in words',
  settings,
  check,
  isServed: false,
}

/** A model nobody can ask denies what it is to judge; a file that names one is loaded, as ever. */
function check({ model }: LlmApproverSettings): readonly SettingsProblem[] {
  if (modelFamily(model) !== null) return []
  const message = `${JSON.stringify(model)} is of no known model family: it must start with claude-, gpt- or o`
  return [{ path: ['model'], message, severity: 'warning' }]
}

/** Whose API a model is asked through; null when its name does not tell. */
export function modelFamily(model: string): 'anthropic' | 'openai' | null {
  if (model.startsWith('claude-')) return 'anthropic'
  return model.startsWith('gpt-') || model.startsWith('o') ? 'openai' : null
}
