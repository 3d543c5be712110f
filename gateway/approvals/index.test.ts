import { describe, expect, it } from 'vitest'
import { asyncGrantOf } from './approvers/human/async-grant.ts'
import { modelFamily } from './approvers/llm/definition.ts'
import { approverNamed, approvers, builtinApprover } from './index.ts'

/** Everything said against settings: by the schema, else by the check of the type. */
function problems(type: string, settings: unknown): string[] {
  const definition = approverNamed(type)
  const parsed = definition?.settings.safeParse(settings)
  if (definition === undefined || parsed === undefined) throw new Error(`no approver ${type}`)
  const found = parsed.success ? (definition.check?.(parsed.data) ?? []) : parsed.error.issues
  return found.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const support = {
  channel: '#support-approvals',
  credential: 'slack',
  interactive: true,
  timeout: 120,
  classifier: 'tone',
  message: '{{profile}} wants {{http.method}} {{http.path}}',
  sync_wait_timeout: '30s',
  async_grant: { enabled: true, approved_retry_ttl: '10m', max_body_bytes: 1048576 },
}

describe('the approver types', () => {
  it('are those of the language; the dashboard is no type of them', () => {
    expect(approvers.map(({ type }) => type)).toEqual(['human_approver', 'llm_approver'])
    expect(approverNamed('builtin')).toBeUndefined()
    expect(builtinApprover).toBe('dashboard')
  })

  it.each([
    ['human_approver', support],
    ['human_approver', { channel: '' }],
    ['human_approver', { channel: '#sre', timeout: 0, require_approvers: 2 }],
    ['llm_approver', { model: 'claude-haiku-4-5-20251001', credential: 'key', policy: 'Refuse it.' }],
    ['llm_approver', { model: 'gpt-5', credential: 'key' }],
    ['llm_approver', { model: 'o3-mini', credential: 'key' }],
  ])('%s takes %j', (type, settings) => {
    expect(problems(type, settings)).toEqual([])
  })

  it.each<[string, unknown, string[]]>([
    ['human_approver', {}, ['channel: Invalid input: expected string, received undefined']],
    ['human_approver', { channel: 'x', timeout: -1 }, ['timeout: must not be negative']],
    ['human_approver', { channel: 'x', timeout: '2m' }, ['timeout: Invalid input: expected number, received string']],
    [
      'human_approver',
      { channel: 'x', require_approvers: 1.5 },
      ['require_approvers: Invalid input: expected int, received number'],
    ],
    ['human_approver', { channel: 'x', policy: 'y' }, [': Unrecognized key: "policy"']],
    ['human_approver', { channel: 'x', async_grant: { on: true } }, ['async_grant: Unrecognized key: "on"']],
    ['llm_approver', { credential: 'key' }, ['model: Invalid input: expected string, received undefined']],
    ['llm_approver', { model: 'claude-x' }, ['credential: is required']],
    [
      'llm_approver',
      { model: 'gemini-3', credential: 'key' },
      ['model: "gemini-3" is of no known model family: it must start with claude-, gpt- or o'],
    ],
    [
      'llm_approver',
      { model: 'claude', credential: 'key' },
      ['model: "claude" is of no known model family: it must start with claude-, gpt- or o'],
    ],
  ])('%s refuses %j', (type, settings, wanted) => {
    expect(problems(type, settings)).toEqual(wanted)
  })

  it('ask models through the API their names tell', () => {
    expect(['claude-x', 'gpt-5', 'o1', 'x', ''].map(modelFamily)).toEqual(['anthropic', 'openai', 'openai', null, null])
  })
})

describe('async_grant', () => {
  const wrong = { approved_retry_ttl: '1d', fingerprint_body: 'sha', max_body_bytes: 8_388_609 }

  it('is looked at once it is enabled', () => {
    const settings = { channel: 'x', sync_wait_timeout: '0s', async_grant: { enabled: true, ...wrong } }
    expect(problems('human_approver', settings)).toEqual([
      'async_grant.approved_retry_ttl: async_grant.approved_retry_ttl: "1d" has the unknown unit "d": use ns, us, ms, s, m or h (24h is a day)',
      'async_grant.fingerprint_body: async_grant.fingerprint_body: must be "raw", not "sha"',
      'async_grant.max_body_bytes: async_grant.max_body_bytes: must be 1 to 8388608, not 8388609',
      'sync_wait_timeout: sync_wait_timeout: "0s" must be above zero',
    ])
    const off = { channel: 'x', sync_wait_timeout: '0s', async_grant: wrong }
    expect(problems('human_approver', off)).toEqual([])
  })

  it.each([
    [
      { approved_retry_ttl: '-5m' },
      'async_grant.approved_retry_ttl: async_grant.approved_retry_ttl: "-5m" must be above zero',
    ],
    [{ max_body_bytes: 0 }, 'async_grant.max_body_bytes: async_grant.max_body_bytes: must be 1 to 8388608, not 0'],
  ])('refuses %j', (grant, wanted) => {
    const settings = { channel: 'x', sync_wait_timeout: '30s', async_grant: { enabled: true, ...grant } }
    expect(problems('human_approver', settings)).toEqual([wanted])
  })

  it('without a wait to end is warned of, and so are buttons without a message', () => {
    const { settings, check } = approverNamed('human_approver') ?? {}
    const decoded = settings?.parse({ channel: 'x', interactive: true, async_grant: { enabled: true } })
    expect(check?.(decoded).map(({ path, severity }) => [path, severity])).toEqual([
      [['async_grant', 'enabled'], 'warning'],
      [['interactive'], 'warning'],
    ])
  })

  it('says what holds where it says nothing', () => {
    expect(asyncGrantOf({ async_grant: { enabled: true } })).toEqual({
      approvedRetryTtlMs: 300_000,
      maxBodyBytes: 1_048_576,
      syncWaitMs: null,
    })
    expect(asyncGrantOf(support)).toEqual({ approvedRetryTtlMs: 600_000, maxBodyBytes: 1_048_576, syncWaitMs: 30_000 })
    expect(asyncGrantOf({ async_grant: {} })).toBeNull()
    expect(asyncGrantOf({})).toBeNull()
  })
})
