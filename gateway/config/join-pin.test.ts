import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'

describe('join_pin', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-join-pin-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = (line: string) => {
    const path = join(directory, 'gateway.hcl')
    const wireguard = '  wireguard {\n    subnet_cidr = "10.0.0.0/24"\n    endpoint = "127.0.0.1:51820"\n  }\n'
    writeFileSync(
      path,
      `schema_version = 1\ngateway {\n${line}${wireguard}}\nprofile "default" {\n  credentials = []\n}\n`,
    )
    return loadPolicy(path)
  }

  it.each(['off', 'warn', 'enforce'])('may be %s', async (mode) => {
    expect((await load(`  join_pin = "${mode}"\n`)).policy?.gateway.joinPin).toBe(mode)
  })

  it('is off when nothing is written', async () => {
    expect((await load('')).policy?.gateway.joinPin).toBe('off')
  })

  it.each([
    ['"on"', 14],
    ['true', 14],
    ['["warn"]', 14],
  ])('is not %s, and says where', async (value, column) => {
    const { policy, problems } = await load(`  join_pin = ${value}\n`)
    expect(policy).toBeNull()
    expect(problems).toHaveLength(1)
    const [problem] = problems
    const text = problem === undefined ? '' : formatProblem(problem)
    expect(text).toContain(`gateway.hcl:3:${column}`)
    expect(text).toMatch(/join_pin.*off.*warn.*enforce/)
  })
})
