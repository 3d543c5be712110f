import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../test/support/until.ts'
import { openRoot } from './ca/root.ts'
import { loadPolicy } from './config/load-policy.ts'
import { type ConfigFollow, followConfig } from './config-follow.ts'
import { CurrentPolicy } from './current-policy.ts'
import { VirtualNames } from './flows/names.ts'
import type { Log } from './log.ts'
import { openHistory } from './revisions/history.ts'
import { openVault } from './secrets/vault.ts'
import { nameStore } from './storage.ts'
import { openDatabase } from './store/database.ts'
import { scratchDir } from './store/scratch.fixture.ts'

const text = (note: string) => `# ${note}
schema_version = 1
gateway {
  dashboard_listen = "127.0.0.1:8080"
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "api" {
  hosts   = ["api.example.test"]
  ca_cert = "<<file:ca.pem>>"
}
`

async function place() {
  const dir = scratchDir()
  const database = openDatabase(join(dir, 'state'))
  const vault = await openVault(database, { env: {} })
  const pem = (await openRoot(vault)).certificatePem
  const path = join(dir, 'gateway.hcl')
  const write = (note: string) => writeFileSync(path, text(note))
  write('one')
  writeFileSync(join(dir, 'ca.pem'), pem)
  const history = openHistory(database, vault)
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const start = async (): Promise<{ follow: ConfigFollow; current: CurrentPolicy }> => {
    const loaded = await loadPolicy(path)
    const { policy } = loaded
    if (policy === null) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
    const current = new CurrentPolicy(policy, new VirtualNames(nameStore(database)), { update: () => undefined })
    const follow = followConfig({
      path,
      loaded: { ...loaded, policy },
      current,
      log,
      history,
      applied: () => undefined,
    })
    return { follow, current }
  }
  const running = await start()
  onTestFinished(async () => {
    await running.follow[Symbol.asyncDispose]()
    await vault[Symbol.asyncDispose]()
    database.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const told = () => history.list(20).map(({ how, who, outcome }) => `${how} ${who} ${outcome}`)
  const noted = (rows: number) => until(`${rows} rows are noted`, () => told().length === rows)
  return { ...running, dir, path, pem, write, history, start, told, noted }
}

const me = userInfo().username

describe('followConfig()', () => {
  it('notes who changed the policy and how, and a policy once', async () => {
    const { dir, follow, write, told, noted, current } = await place()
    await noted(1)
    write('two')
    await noted(2)
    write('three')
    expect(await follow.reload({ who: 'ops', how: 'reload' })).toMatchObject({ isApplied: true })
    writeFileSync(join(dir, 'next'), text('four'))
    const next = (await loadPolicy(join(dir, 'next'))).policy?.revision ?? ''
    follow.expect(next, { who: 'ops', how: 'rollback' })
    write('four')
    await follow.reload({ who: 'somebody', how: 'reload' })
    await follow.reload(null)
    expect(current.policy.revision).toBe(next)
    const rows = told()
    expect(rows.at(-1)).toBe(`start ${me} applied`)
    expect(rows.at(-2)).toBe(`file ${me} applied`)
    expect(rows[0]).toBe('rollback ops applied')
    expect(rows).toHaveLength(4)
  })

  it('keeps what a policy with errors was not, and that there was one', async () => {
    const { follow, write, told, noted, history, current } = await place()
    await noted(1)
    const { revision } = current.policy
    write('bad\n}')
    expect(await follow.reload({ who: 'ops', how: 'reload' })).toMatchObject({ isApplied: false, revision })
    await noted(2)
    expect(told()[0]).toMatch(/refused$/)
    expect(history.list(1)[0]?.problems).toBeGreaterThan(0)
    expect(history.current()?.revision).toBe(revision)
  })

  it('takes a change of an included file for one of the policy, and keeps both files', async () => {
    const { dir, pem, noted, history, current } = await place()
    await noted(1)
    const before = current.policy.revision
    const included = join(dir, 'ca.pem')
    writeFileSync(included, `${pem}\n`)
    utimesSync(included, 1, 1)
    await until('it is in force', () => current.policy.revision !== before)
    await noted(2)
    const { files } = history.filesOf(current.policy.revision)
    expect(files.map(({ path, isIncluded }) => [path.slice(dir.length + 1), isIncluded])).toEqual([
      ['gateway.hcl', false],
      ['ca.pem', true],
    ])
    expect(files[1]?.bytes.toString()).toBe(`${pem}\n`)
  })

  it('does not note a restart with the same policy', async () => {
    const { noted, start, told } = await place()
    await noted(1)
    const { follow } = await start()
    await follow[Symbol.asyncDispose]()
    expect(told()).toHaveLength(1)
  })
})
