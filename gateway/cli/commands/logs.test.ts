import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { CredentialName, EpochMs } from '../../../workers/contract/ids.ts'
import { aFlow, closed, denied, opened, whole } from '../../recorder/events.fixture.ts'
import { Recorder } from '../../recorder/recorder.ts'
import { type Scratch, scratch, scratchDir } from '../../store/scratch.fixture.ts'
import { root, runLines } from '../run-lines.fixture.ts'

const call = `import('./gateway/cli/main.ts').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)) })`
const program = ['--import', 'tsx', '-e', call, '--', 'logs']

function environment(dir: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: dir, CLAWPATROL_STATE: dir, NO_COLOR: '1', TZ: 'UTC' }
}

function logs(dir: string, ...lines: readonly (readonly string[])[]) {
  const named = lines.map((words) => ['logs', ...words])
  return runLines(named, environment(dir))
}

function follower(dir: string, ...words: string[]): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  const stdio = ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit']
  return spawn(process.execPath, [...program, ...words], { cwd: root, env: environment(dir), stdio })
}

async function filled(): Promise<{ place: Scratch; recorder: Recorder }> {
  const place = scratch()
  const recorder = new Recorder({ database: place.database })
  const token = 'token' as CredentialName
  await recorder.record(aFlow, whole({ title: 'GET https://api.example.com/a', credential: token }))
  const begin = opened({ title: 'DELETE https://api.example.com/b', verdict: denied, at: 2000 as EpochMs })
  await recorder.record(aFlow, [begin, closed(begin.action.id, { status: 'denied', at: 2003 as EpochMs })])
  return { place, recorder }
}

describe('clawpatrol logs', { timeout: 60_000 }, () => {
  it('prints a table that cannot be faked by what agents choose', async () => {
    const { place, recorder } = await filled()
    await using _ = place
    await recorder.record(
      aFlow,
      whole({ title: 'GET https://x/\u001b[2J\u009b31m\u202efdp\nDELETE', at: 3000 as EpochMs }),
    )
    await recorder.stop()
    const [done] = logs(place.dir, [])
    expect(done?.stderr).toBe('')
    expect(done?.stdout).toMatchInlineSnapshot(`
      "TIME            DEVICE    DECISION  RULE            STATUS  MS     CREDENTIAL  TITLE
      01-01 00:00:01  laptop    allow     reads           200     250    token       GET https://api.example.com/a
      01-01 00:00:02  laptop    deny      no-delete       denied  3      -           DELETE https://api.example.com/b — nothing is deleted
      01-01 00:00:03  laptop    allow     reads           200     0      -           GET https://x/\\x1b[2J\\x9b31m\\u{202e}fdp\\x0aDELETE
      "
    `)
  })

  it('prints JSON lines with every column, filters, limits and refuses what makes no sense', async () => {
    const { place, recorder } = await filled()
    await using _ = place
    await recorder.stop()
    const words = ['--json', '--denied', '--device', 'laptop', '--endpoint', 'api', '--since', '1970-01-01T00:00:01Z']
    const [json, filtered, newest, none, noTime, noCount, noDatabase] = logs(
      place.dir,
      ['--json'],
      words,
      ['--json', '-n', '1'],
      ['--since', '1h'],
      ['--since', 'yesterday'],
      ['-n', 'x'],
      ['--state-dir', scratchDir()],
    )
    const rows = json?.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(rows).toMatchObject([
      {
        at: '1970-01-01T00:00:01.000Z',
        device: 'laptop',
        profile: 'default',
        endpoint: 'api',
        decision: 'allow',
        rule: 'reads',
        reason: null,
        credential: 'token',
        status: '200',
        title: 'GET https://api.example.com/a',
        ms: 250,
      },
      { decision: 'deny', rule: 'no-delete', reason: 'nothing is deleted', credential: null, status: 'denied', ms: 3 },
    ])
    for (const one of [filtered, newest]) expect(one?.stdout).toMatch(/^\{[^\n]*DELETE[^\n]*\}\n$/)
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'no records match\n' })
    expect(noTime).toMatchObject({
      code: 2,
      stderr: 'clawpatrol: --since "yesterday" is neither a duration like 24h nor a time\n',
    })
    expect(noCount?.code).toBe(2)
    expect(noDatabase).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no database') })
  })

  it('follows while a gateway records, and ends with 0 on SIGINT', async () => {
    const { place, recorder } = await filled()
    await using _ = place
    const child = follower(place.dir, '-f', '--json')
    const exit = once(child, 'exit')
    const titles: unknown[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      titles.push((JSON.parse(line) as { title: string }).title)
      if (titles.length === 2) await recorder.record(aFlow, whole({ title: 'new' }))
      if (titles.length === 3) child.kill('SIGINT')
    }
    expect(titles).toEqual(['GET https://api.example.com/a', 'DELETE https://api.example.com/b', 'new'])
    expect(await exit).toEqual([0, null])
    await recorder.stop()
  })

  it('ends quietly when nobody reads any more', async () => {
    const { place, recorder } = await filled()
    await using _ = place
    const child = follower(place.dir, '-f', '--json')
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    await recorder.record(aFlow, whole())
    expect(await exit).toEqual([0, null])
    await recorder.stop()
  })
})
