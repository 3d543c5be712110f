import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPolicy } from './load-policy.ts'

const blocks = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "api" {
  hosts = ["api.test"]
}
endpoint "postgres" "db" {
  host = "db.test:5432"
}
credential "passthrough" "open" {
  endpoints = [https.api, postgres.db]
}
profile "agents" {
  credentials = [passthrough.open]
}
`

describe('limits of a rule', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-limits-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  async function load(endpoint: string, ...lines: readonly string[]) {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(
      path,
      `${blocks}rule "r" {\n  endpoint = ${endpoint}\n${lines.map((line) => `  ${line}\n`).join('')}}\n`,
    )
    const { policy, problems } = await loadPolicy(path)
    const endpoints = [...(policy?.profiles.values() ?? [])][0]?.endpoints
    const rules = endpoints?.find(({ name }) => endpoint.endsWith(name))?.rules
    return { outcome: rules?.[0]?.outcome, problems: problems.map(({ message }) => message) }
  }

  it.each([
    [['limit_rows = 10'], { rows: 10 }],
    [['limit_bytes = "2KiB"'], { bytes: 2048 }],
    [['limit_rows = "7"', 'limit_bytes = 100'], { rows: 7, bytes: 100 }],
  ])('are read: %s', async (lines, limits) => {
    expect((await load('postgres.db', 'verdict = "allow"', ...lines)).outcome).toEqual({ do: 'allow', limits })
    const asked = await load('postgres.db', 'approve = [builtin.dashboard]', ...lines)
    expect(asked.outcome).toMatchObject({ do: 'ask', limits })
  })

  it.each([
    [
      'postgres.db',
      ['verdict = "deny"', 'limit_rows = 1'],
      'rule "r" denies: limit_rows is for rules that allow or ask',
    ],
    ['https.api', ['verdict = "allow"', 'limit_rows = 1'], 'limit_rows is not known on https'],
    ['https.api', ['verdict = "allow"', 'limit_bytes = "1MiB"'], 'limit_bytes is not known on https'],
    ['postgres.db', ['verdict = "allow"', 'limit_rows = 0'], 'limit_rows: must be above zero'],
    ['postgres.db', ['verdict = "allow"', 'limit_bytes = "0"'], 'limit_bytes: "0" must be positive'],
    ['postgres.db', ['verdict = "allow"', 'limit_bytes = "1.5M"'], 'limit_bytes: "1.5M" is not a size'],
    ['https.api', ['verdict = "deny"', `reason = "${'no '.repeat(1500)}"`], 'reason: must be at most 4096 characters'],
  ])('are refused where they cannot be kept: %s %.60s', async (endpoint, lines, message) => {
    const { outcome, problems } = await load(endpoint, ...lines)
    expect(outcome).toBeUndefined()
    expect(problems.join('\n')).toContain(message)
  })
})
