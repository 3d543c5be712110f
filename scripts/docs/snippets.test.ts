import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPolicy } from '../../gateway/config/load-policy.ts'
import type { Policy } from '../../gateway/config/policy.ts'
import { runFixtures } from '../../gateway/replay/run.ts'
import { packNames, readPack } from '../../gateway/starters/packs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', 'web/docs/policy-guide.md', 'web/docs/rules-reference.md']

/** What the snippets refer to. */
const around = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.77.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
defaults {
  unmatched = "deny"
}
endpoint "https" "payments" {
  hosts = ["api.payments.example"]
}
endpoint "https" "github" {
  hosts = ["api.github.com"]
}
endpoint "postgres" "orders" {
  host = "orders-db.example:5432"
}
credential "passthrough" "none" {
  endpoints = [https.payments, https.github, postgres.orders]
}
profile "default" {
  credentials = [passthrough.none]
}
`

describe('the snippets people copy', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-snippets-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  for (const page of pages)
    for (const [number, snippet] of fenced(page, 'hcl').entries())
      it(`${page}: rule ${number + 1} has nothing wrong with it`, async () => {
        const path = join(directory, 'gateway.hcl')
        writeFileSync(path, `${around}\n${snippet}`)
        expect((await loadPolicy(path)).problems).toEqual([])
      })

  it('the fixture of the guide says what the github pack decides', async () => {
    const [fixture = ''] = fenced('web/docs/policy-guide.md', 'json')
    const { policy } = await loadPolicy(join(root, 'examples/github'))
    const [result] = await runFixtures(policy as Policy, [{ path: 'guide.json', content: fixture }])
    expect(result?.kind).toBe('ok')
  })

  it('the README tells of every pack whether it is served', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    for (const name of packNames) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
      expect(row?.endsWith(readPack(name).isServed ? '| yes |' : '| not yet |'), name).toBe(true)
    }
  })
})

function fenced(page: string, language: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, inner = '']) => inner)
}
