import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { clawpatrol, run, start } from '../support/program.ts'

const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-dev-'))
const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: dir, NO_COLOR: '1' }
const dev = (...words: readonly string[]) => run(process.execPath, [clawpatrol, 'dev', ...words], env)

interface Row {
  readonly at: string
  readonly title: string
  readonly decision: string
  readonly rule: string
  readonly credential: string | null
  readonly ms: number
}

afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('clawpatrol dev', () => {
  it('runs the demo: every request with its decision, rule, credential and time', async () => {
    const done = await dev('--once', '--json')
    expect(done.stderr).toBe('')
    expect(done.code).toBe(0)
    const rows = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
      // they are printed as they end
      .sort((one, other) => Date.parse(one.at) - Date.parse(other.at))
    const seen = rows.map(({ title, decision, rule }) => `${decision} ${rule} ${title}`)
    expect(seen.slice(0, 7)).toEqual([
      'allow notes-use GET https://notes.demo.internal/v1/notes',
      'allow notes-use POST https://notes.demo.internal/v1/notes',
      'deny notes-no-secrets POST https://notes.demo.internal/v1/notes',
      'deny notes-no-delete DELETE https://notes.demo.internal/v1/notes/1',
      'deny everything-else GET https://notes.demo.internal/admin',
      'allow ledger-read POST https://ledger.demo.internal/demo.Ledger/Balance',
      'deny everything-else POST https://ledger.demo.internal/demo.Ledger/Transfer',
    ])
    expect(rows[0]).toMatchObject({ credential: 'demo-token', device: 'this-machine', status: '200' })
    expect(rows.every(({ ms }) => ms >= 0)).toBe(true)
  })

  it('shows the same as a table and says where the records are', async () => {
    const { stdout, code } = await dev('--once')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^asked +rule +decision +credential +status +ms$/m)
    expect(stdout).toMatch(/^DELETE .* notes-no-delete +deny +- +denied/m)
    expect(stdout).toContain('clawpatrol logs')
    const logs = await run(process.execPath, [clawpatrol, 'logs'], {
      ...env,
      CLAWPATROL_STATE: join(dir, '.clawpatrol-dev', 'state'),
    })
    expect(logs.stdout).toContain('notes-no-delete')
  })

  it('runs a command instead and ends with its exit code', async () => {
    expect((await dev('--', 'sh', '-c', 'exit 3')).code).toBe(3)
    const curl = await dev(
      '--json',
      '--',
      'curl',
      '-sS',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      'https://notes.demo.internal/v1/notes',
    )
    expect(curl.stdout).toContain('200')
    expect(curl.stdout).toContain('"rule":"notes-use"')
  })

  it('runs with a configuration of one’s own, and explains one that is wrong', async () => {
    const demo = readFileSync(join(dir, '.clawpatrol-dev', 'demo.hcl'), 'utf8')
    const own = join(dir, 'own.hcl')
    writeFileSync(own, demo.replace('agents may not delete notes', 'not here'))
    expect((await dev('--config', own, '--', 'true')).code).toBe(0)
    writeFileSync(own, demo.replace('priority  = 100', 'priority  = "high"'))
    const wrong = await dev('--config', own, '--', 'true')
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toMatch(/own\.hcl:\d+:\d+/)
  })

  it('stays until it is told to end', async () => {
    const running = start(process.execPath, [clawpatrol, 'dev'], env)
    await running.saw(/Ctrl-C ends it/, 20_000)
    running.child.kill('SIGINT')
    expect((await running.finished).code).toBe(0)
  })
})
