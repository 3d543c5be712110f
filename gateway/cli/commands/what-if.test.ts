import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EpochMs, RuleName } from '../../../workers/contract/ids.ts'
import { denied } from '../../recorder/events.fixture.ts'
import { recordAll } from '../../replay/recorded.fixture.ts'
import { openDatabase } from '../../store/database.ts'
import { scratchDir } from '../../store/scratch.fixture.ts'
import { runLines } from '../run-lines.fixture.ts'

const policy = (rules: string) => `schema_version = 1
gateway {
  dashboard_listen = "127.0.0.1:8080"
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "api" {
  hosts = ["api.example.com"]
}
credential "bearer_token" "token" {
  endpoint = https.api
}
${rules}
profile "default" {
  credentials = [bearer_token.token]
}
`

async function place() {
  const dir = scratchDir()
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const http = { method: 'DELETE', path: '/7', query: {}, headers: { Authorization: ['***'] }, body: '' }
  const described = { host: 'api.example.com', http }
  const shadows = [{ rule: 'no-seven' as RuleName, would: 'deny' as const }]
  const title = 'DELETE https://api.example.com/7\u202e'
  await using database = openDatabase(join(dir, 'state'))
  const at = (Date.now() - 60_000) as EpochMs
  const [row] = await recordAll(database, [{ title, described, verdict: denied, shadows, at }])
  const config = (name: string, rules: string) => {
    const path = join(dir, `${name}.hcl`)
    writeFileSync(path, policy(rules))
    return path
  }
  const env = { PATH: process.env.PATH, HOME: dir, CLAWPATROL_STATE: join(dir, 'state'), NO_COLOR: '1' }
  const run = (...lines: readonly (readonly string[])[]) => runLines(lines, env)
  return { config, run, id: row?.id ?? '' }
}

describe('clawpatrol what-if and logs', { timeout: 60_000 }, () => {
  it('show what opens up, end with 1 where it does, and with 2 for what makes no sense', async () => {
    const { config, run, id } = await place()
    const [open, same] = [
      config('open', ''),
      config('same', 'rule "all" {\n  endpoint = https.api\n  verdict = "deny"\n}'),
    ]
    const [opens, none, uncounted, nonsense, broken, shadow, fixture, noId] = run(
      ['what-if', open, '--since', '1d'],
      ['what-if', same],
      ['what-if', open, '--fail-on', 'none'],
      ['what-if', open, '--fail-on', 'what'],
      ['what-if', config('broken', 'rule {')],
      ['logs', '--shadow', 'no-seven'],
      ['logs', id, '--fixture'],
      ['logs', '--fixture'],
    )
    expect(opens?.code).toBe(1)
    expect(opens?.stdout.replace(id, 'ID').replace(/^.*\n/, '')).toMatchInlineSnapshot(`
      "
      DENY → ALLOW: 1
        COUNT  DEVICE  WAS        WOULD BE   FOR EXAMPLE
        1      laptop  no-delete  (no rule)  DELETE https://api.example.com/7\\u{202e}  ID
      "
    `)
    expect([none?.code, uncounted?.code]).toEqual([0, 0])
    expect(nonsense).toMatchObject({
      code: 2,
      stderr: 'clawpatrol: --fail-on "what" is none of any, deny-to-allow, none\n',
    })
    expect(broken).toMatchObject({ code: 2, stdout: '' })
    expect(shadow?.stdout).toContain('nothing is deleted [shadow no-seven: would deny]')
    expect(JSON.parse(fixture?.stdout ?? '')).toMatchObject({
      match: { verdict: 'deny', rule: 'no-delete', endpoint: 'https.api' },
      action: { http: { method: 'DELETE', path: '/7' } },
    })
    expect(fixture?.stderr).toBe('not in the record, fill it in: http.headers.Authorization\n')
    expect(noId?.code).toBe(2)
  })
})
