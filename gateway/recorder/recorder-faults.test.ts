import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { actionsOf } from '../store/actions.ts'
import { openDatabase } from '../store/database.ts'
import { scratch, scratchDir } from '../store/scratch.fixture.ts'
import { aFlow, aSample, closed, opened, whole } from './events.fixture.ts'
import { RecorderHealth } from './health.ts'
import { Recorder } from './recorder.ts'
import { buildRedactor } from './redact.ts'

const root = join(import.meta.dirname, '../..')

/** Resolves at the next change of health. */
function change(recorder: Recorder): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = recorder.onHealth((healthy) => {
      stop()
      resolve(healthy)
    })
  })
}

describe('Recorder under faults', () => {
  it('on a full disk: unhealthy at once, nothing lost, healthy again and everything there once there is room', async () => {
    await using place = scratch()
    const { sqlite } = place.database
    // a limit of the connection, so it must be set on the recorder's own
    const limited = { ...place.database, connect: () => limitedConnection }
    const limitedConnection = place.database.connect({ busyMs: 0 })
    limitedConnection.sqlite.pragma(`max_page_count = ${Number(sqlite.pragma('page_count', { simple: true })) + 4}`)
    const recorder = new Recorder({ database: limited })
    const sick = change(recorder)
    const records = Array.from({ length: 40 }, () => {
      const begin = opened()
      const end = closed(begin.action.id, { response: aSample('x'.repeat(2000)) })
      return recorder.record(aFlow, [begin, end])
    })
    expect(await sick).toBe(false)
    expect(recorder.healthy).toBe(false)
    expect(recorder.stats()).toMatchObject({ trouble: 'full', rejected: 0 })
    expect(recorder.stats().queued + recorder.stats().written).toBe(80)
    const well = change(recorder)
    limitedConnection.sqlite.pragma('max_page_count = 100000')
    expect(await well).toBe(true)
    await Promise.all(records)
    expect(actionsOf(place.database).count()).toBe(40)
    expect(recorder.stats()).toMatchObject({ trouble: null, queued: 0 })
    await recorder.stop()
  })

  it('on a full file system: the same, with a real one of 1 MiB', async () => {
    // root in a mount namespace of its own; elsewhere the case above stands for it
    const script = `
      import { execFileSync } from 'node:child_process'
      import { writeFileSync, rmSync } from 'node:fs'
      import { openDatabase } from './gateway/store/database.ts'
      import { actionsOf } from './gateway/store/actions.ts'
      import { Recorder } from './gateway/recorder/recorder.ts'
      import { whole, aFlow, opened, closed, aSample } from './gateway/recorder/events.fixture.ts'
      const dir = process.argv[1]
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', dir])
      const database = openDatabase(dir)
      const recorder = new Recorder({ database })
      await recorder.record(aFlow, whole())
      try { writeFileSync(dir + '/ballast', Buffer.alloc(2 << 20)) } catch {}
      const seen = []
      recorder.onHealth((healthy) => { seen.push(healthy); if (!healthy) rmSync(dir + '/ballast') })
      const begin = opened()
      await recorder.record(aFlow, [begin, closed(begin.action.id, { response: aSample('x'.repeat(60_000)) })])
      console.log(JSON.stringify({ seen, count: actionsOf(database).count(), lost: await recorder.stop() }))`
    const dir = scratchDir()
    const child = spawn(
      'unshare',
      ['--mount', '--map-root-user', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script, dir],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const text = { out: '', err: '' }
    child.stdout.on('data', (chunk) => {
      text.out += chunk
    })
    child.stderr.on('data', (chunk) => {
      text.err += chunk
    })
    const [code] = await once(child, 'close')
    rmSync(dir, { recursive: true })
    if (code !== 0 && /unshare|mount/.test(text.err)) return expect(text.err).toMatch(/not permitted|denied|cannot/i)
    expect(text.err).toBe('')
    expect(JSON.parse(text.out)).toEqual({ seen: [false, true], count: 2, lost: 0 })
  })

  it('waits while another program holds the write lock, without calling that sick at first', async () => {
    await using place = scratch()
    const changes: boolean[] = []
    let tries = 0
    const triedThrice = new EventEmitter()
    // asked for at each try
    const redactor = () => {
      tries += 1
      if (tries === 3) triedThrice.emit('now')
      return buildRedactor([])
    }
    const recorder = new Recorder({ database: place.database, redactor })
    recorder.onHealth((healthy) => changes.push(healthy))
    place.database.sqlite.exec('BEGIN IMMEDIATE')
    let isDone = false
    const record = recorder.record(aFlow, whole()).then(() => {
      isDone = true
    })
    await once(triedThrice, 'now')
    expect([isDone, recorder.healthy]).toEqual([false, true])
    place.database.sqlite.exec('COMMIT')
    await record
    expect(changes).toEqual([])
    await recorder.stop()
  })

  it('tells how many events a stop within its deadline could not write', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    place.database.sqlite.exec('BEGIN IMMEDIATE')
    const record = recorder.record(aFlow, whole())
    const refused = expect(record).rejects.toMatchObject({ code: 'CP_STORE' })
    expect(await recorder.stop(30)).toBe(2)
    await refused
    place.database.sqlite.exec('ROLLBACK')
  })

  it('kill -9 while recording loses no action whose record() had resolved', async () => {
    const dir = scratchDir()
    const script = `
      import { openDatabase } from './gateway/store/database.ts'
      import { Recorder } from './gateway/recorder/recorder.ts'
      import { whole, aFlow } from './gateway/recorder/events.fixture.ts'
      import { writeSync } from 'node:fs'
      const recorder = new Recorder({ database: openDatabase(process.argv[1]) })
      for (;;) {
        const all = Array.from({ length: 20 }, () => whole())
        await Promise.all(all.map((events) => recorder.record(aFlow, events).then(() => writeSync(1, events[0].action.id + '\\n'))))
      }`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, dir], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const acknowledged: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line)
      if (acknowledged.length === 1000) child.kill('SIGKILL')
    }
    const whole36 = acknowledged.filter((id) => id.length === 36)
    const database = openDatabase(dir)
    const actions = actionsOf(database)
    expect(whole36.length).toBeGreaterThanOrEqual(1000)
    expect(whole36.filter((id) => actions.get(id) === null)).toEqual([])
    expect(database.sqlite.pragma('integrity_check', { simple: true })).toBe('ok')
    database.close()
    rmSync(dir, { recursive: true })
  })

  it('keeps the event loop free while 20,000 actions are written', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const flood = Array.from({ length: 20_000 }, () => whole())
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const begun = performance.now()
    for (let at = 0; at < flood.length; at += 500)
      await Promise.all(flood.slice(at, at + 500).map((events) => recorder.record(aFlow, events)))
    const perSecond = 20_000 / ((performance.now() - begun) / 1000)
    delay.disable()
    expect(actionsOf(place.database).count()).toBe(20_000)
    // far below what it reaches, so that a loaded machine passes
    expect(perSecond).toBeGreaterThan(3000)
    expect(delay.percentile(50) / 1e6).toBeLessThan(25)
    await recorder.stop()
  })
})

describe('RecorderHealth', () => {
  it('tries a full disk again later and later, up to 5 s, and forgets that on success', () => {
    const health = new RecorderHealth(() => 0)
    const full = Object.assign(new Error('x'), { code: 'SQLITE_FULL' })
    expect(Array.from({ length: 9 }, () => health.failed(full))).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 5000, 5000,
    ])
    expect([health.healthy, health.trouble]).toEqual([false, 'full'])
    health.succeeded()
    expect([health.healthy, health.trouble, health.failed(full)]).toEqual([true, null, 50])
  })

  it('bears a lock for two seconds', () => {
    let now = 0
    const health = new RecorderHealth(() => now)
    const busy = Object.assign(new Error('x'), { code: 'SQLITE_BUSY' })
    expect([health.failed(busy), health.healthy]).toEqual([5, true])
    now = 1999
    expect([health.failed(busy), health.healthy]).toEqual([5, true])
    now = 2000
    expect([health.failed(busy), health.healthy, health.trouble]).toEqual([50, false, 'busy'])
  })
})
