import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EpochMs, RuleName } from '../../../workers/contract/ids.ts'
import { denied } from '../../recorder/events.fixture.ts'
import { recordAll } from '../../replay/recorded.fixture.ts'
import { openDatabase } from '../../store/database.ts'
import { scratchDir } from '../../store/scratch.fixture.ts'

const root = join(import.meta.dirname, '../../..')
const call = `import('./gateway/cli/main.ts').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)) })`

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
  const config = join(dir, 'new.hcl')
  const run = (...words: string[]) => {
    const env = { PATH: process.env.PATH, HOME: dir, CLAWPATROL_STATE: join(dir, 'state'), NO_COLOR: '1' }
    const options = { cwd: root, encoding: 'utf8', env } as const
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '-e', call, '--', ...words],
      options,
    )
    return { status, stdout, stderr }
  }
  return { config, run, id: row?.id ?? '' }
}

describe('clawpatrol what-if', { timeout: 60_000 }, () => {
  it('shows what opens up and ends with 1', async () => {
    const { config, run, id } = await place()
    writeFileSync(config, policy(''))
    const done = run('what-if', config, '--since', '1d')
    expect(done.status).toBe(1)
    expect(done.stdout.replace(id, 'ID').replace(/^.*\n/, '')).toMatchInlineSnapshot(`
      "
      DENY → ALLOW: 1
        COUNT  DEVICE  WAS        WOULD BE   FOR EXAMPLE
        1      laptop  no-delete  (no rule)  DELETE https://api.example.com/7\\u{202e}  ID
      "
    `)
  })

  it('ends with 0 when nothing flips or flips do not count, with 2 for what makes no sense', async () => {
    const { config, run } = await place()
    writeFileSync(config, policy('rule "all" {\n  endpoint = https.api\n  verdict = "deny"\n}'))
    expect(run('what-if', config).status).toBe(0)
    writeFileSync(config, policy(''))
    expect(run('what-if', config, '--fail-on', 'none').status).toBe(0)
    expect(run('what-if', config, '--fail-on', 'what')).toMatchObject({
      status: 2,
      stderr: 'clawpatrol: --fail-on "what" is none of any, deny-to-allow, none\n',
    })
    writeFileSync(config, policy('rule {'))
    expect(run('what-if', config)).toMatchObject({ status: 2, stdout: '' })
  })
})

describe('clawpatrol logs', { timeout: 60_000 }, () => {
  it('finds by shadow rule, and makes a fixture of one action', async () => {
    const { run, id } = await place()
    expect(run('logs', '--shadow', 'no-seven').stdout).toContain('nothing is deleted [shadow no-seven: would deny]')
    const { stdout, stderr } = run('logs', id, '--fixture')
    expect(JSON.parse(stdout)).toMatchObject({
      match: { verdict: 'deny', rule: 'no-delete', endpoint: 'https.api' },
      action: { http: { method: 'DELETE', path: '/7' } },
    })
    expect(stderr).toBe('not in the record, fill it in: http.headers.Authorization\n')
    expect(run('logs', '--fixture').status).toBe(2)
  })
})
