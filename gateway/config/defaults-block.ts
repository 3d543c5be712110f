import type { Single } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { ApprovalSettings, DefaultSettings } from './policy.ts'
import { attributeOf } from './resolve.ts'
import { type DefaultsInput, defaultsSchema } from './schema.ts'

/** The defaults block with what holds where it says nothing. */
export interface CompiledDefaults {
  readonly settings: DefaultSettings
  readonly approvals: Omit<ApprovalSettings, 'asyncProfiles'>
}

const usualTimeoutS = 600

/** Decodes `defaults { … }`; absent, everything has its default. Null when something was wrong (reported). */
export function compileDefaults(decoding: Decoding, single: Single | null): CompiledDefaults | null {
  if (single === null) return defaultsOf({})
  const { file, block } = single
  const from = { file, body: block.body, header: block.header, title: 'defaults' }
  const input = decode(decoding, from, defaultsSchema)
  if (input === null) return null
  const warn = (name: string, message: string) => {
    const value = attributeOf(block.body, name)?.value
    decoding.report.warn({ file, span: value?.at ?? block.header }, `${name}: ${message}`)
  }
  // the original takes any number here
  const { human_timeout, llm_cache_ttl } = input
  if (human_timeout !== undefined && human_timeout <= 0)
    warn('human_timeout', `${human_timeout} gives nobody time to answer: ${usualTimeoutS} seconds hold instead`)
  if (llm_cache_ttl !== undefined && llm_cache_ttl < 0)
    warn('llm_cache_ttl', `${llm_cache_ttl} is negative: verdicts are not kept`)
  return defaultsOf(input)
}

function defaultsOf(input: DefaultsInput): CompiledDefaults {
  const { human_timeout = 0, llm_cache_ttl = 0 } = input
  return {
    settings: {
      unknownHost: input.unknown_host === 'deny' ? 'deny' : 'splice',
      unmatched: input.unmatched ?? 'allow',
    },
    approvals: {
      humanTimeoutMs: (human_timeout > 0 ? human_timeout : usualTimeoutS) * 1000,
      humanOnTimeout: input.human_on_timeout ?? 'deny',
      llmFailMode: input.llm_fail_mode ?? 'closed',
      llmCacheTtlMs: Math.max(0, llm_cache_ttl) * 1000,
    },
  }
}
