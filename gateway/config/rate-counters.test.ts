import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatProblem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'

const base = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.55.0.9/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "api" {
  hosts = ["api.test"]
}
credential "bearer_token" "key" {
  endpoint = https.api
}
profile "agents" {
  credentials = [bearer_token.key]
}
`

function rules(count: number): string {
  const one = (_: unknown, index: number) => `rule "r${index}" {
  endpoint  = https.api
  condition = "rate('a${index}', '1h') > 5 || rate('b${index}', '1h') > 5"
  verdict   = "deny"
  reason    = "too many"
}
`
  return Array.from({ length: count }, one).join('')
}

describe('counters of an endpoint', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-counters-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const problems = async (text: string) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, text)
    return (await loadPolicy(path)).problems.filter(({ severity }) => severity === 'error')
  }

  it('may be 64, whichever rules name them', async () => {
    expect(await problems(base + rules(32))).toEqual([])
  })

  it('are refused beyond, at the rule that is one too many', async () => {
    const [problem, ...others] = await problems(base + rules(40))
    expect(others).toEqual([])
    const line = `${base}${rules(32)}`.split('\n').length
    expect(problem === undefined ? '' : formatProblem(problem)).toContain(`:${line}:`)
    expect(problem?.message).toBe('endpoint "api" has more than 64 counters with rule "r32"')
  })
})
