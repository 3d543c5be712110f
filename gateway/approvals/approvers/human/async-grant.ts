import { z } from 'zod'
import { field, flag, text, whole } from '../../../../workers/contract/fields.ts'
import type { SettingsProblem } from '../../../../workers/contract/plugin.ts'
import { parseDuration } from '../../../config/durations.ts'

/** `async_grant { … }` of a human_approver; what is in it only has to be right once it is enabled. */
export const asyncGrantSchema = z.strictObject({
  enabled: field(flag().optional(), {
    doc: 'Whether agents may be sent away and come back with the approved request.',
    fallback: 'false',
    example: 'true',
  }),
  approved_retry_ttl: field(text().optional(), {
    doc: 'How long an approved request may be sent again, once.',
    unit: 'duration',
    fallback: '"5m"',
    example: '"10m"',
  }),
  fingerprint_body: field(text().optional(), {
    doc: 'How the body of the request sent again is compared; only raw.',
    fallback: '"raw"',
  }),
  max_body_bytes: field(whole().optional(), {
    doc: 'Largest body a grant is given for, bytes, at most 8388608.',
    fallback: '1048576',
  }),
})

/** Settings of an async grant that is in force. */
export interface AsyncGrant {
  readonly approvedRetryTtlMs: number
  readonly maxBodyBytes: number
  /** How long the request is held first; null: it is never handed back. */
  readonly syncWaitMs: number | null
}

interface GrantInput {
  readonly sync_wait_timeout?: string | undefined
  readonly async_grant?: z.output<typeof asyncGrantSchema> | undefined
}

const largestBody = 8_388_608

/** What is wrong with an enabled grant; nothing when it is not enabled. */
export function asyncGrantProblems({ sync_wait_timeout, async_grant }: GrantInput): readonly SettingsProblem[] {
  if (async_grant?.enabled !== true) return []
  const { approved_retry_ttl, fingerprint_body, max_body_bytes } = async_grant
  const problems: SettingsProblem[] = []
  const note = (path: SettingsProblem['path'], message: string | null) => {
    if (message !== null) problems.push({ path, message: `${path.join('.')}: ${message}` })
  }
  note(['async_grant', 'approved_retry_ttl'], durationProblem(approved_retry_ttl))
  if (fingerprint_body !== undefined && fingerprint_body !== 'raw')
    note(['async_grant', 'fingerprint_body'], `must be "raw", not ${JSON.stringify(fingerprint_body)}`)
  if (max_body_bytes !== undefined && (max_body_bytes < 1 || max_body_bytes > largestBody))
    note(['async_grant', 'max_body_bytes'], `must be 1 to ${largestBody}, not ${max_body_bytes}`)
  note(['sync_wait_timeout'], durationProblem(sync_wait_timeout))
  if (sync_wait_timeout === undefined)
    problems.push({
      path: ['async_grant', 'enabled'],
      message: 'async_grant has no effect without sync_wait_timeout: requests are held until they are decided',
      severity: 'warning',
    })
  return problems
}

/** The grant of settings without problems; null when it is not enabled. */
export function asyncGrantOf({ sync_wait_timeout, async_grant }: GrantInput): AsyncGrant | null {
  if (async_grant?.enabled !== true) return null
  return {
    approvedRetryTtlMs: durationOf(async_grant.approved_retry_ttl) ?? 300_000,
    maxBodyBytes: async_grant.max_body_bytes ?? 1_048_576,
    syncWaitMs: durationOf(sync_wait_timeout),
  }
}

function durationProblem(value: string | undefined): string | null {
  if (value === undefined) return null
  const ms = parseDuration(value)
  if (typeof ms === 'string') return ms
  return ms > 0 ? null : `${JSON.stringify(value)} must be above zero`
}

function durationOf(value: string | undefined): number | null {
  const ms = value === undefined ? null : parseDuration(value)
  return typeof ms === 'number' ? ms : null
}
