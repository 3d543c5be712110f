import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk } from '../support/device.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { clawpatrol, type Finished, run } from '../support/program.ts'
import { foundIn, foundInFiles } from '../support/traces.ts'

const canary = 'canary at rest 0b8c55f1'

describe('P9: a state directory at rest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-at-rest-'))
  const copy = join(folder, 'copy')
  let lab: Lab

  beforeAll(async () => {
    lab = await startLab({
      names: ['api.example.test'],
      secrets: { token: canary, 'two:cert': `${canary} cert`, 'two:key': `${canary} key` },
      policy: () => 'profile "default" {\n  credentials = []\n}\n',
    })
    expectOk(await lab.run(['true']))
    await lab.stop()
    cpSync(lab.stateDir, copy, { recursive: true })
    rmSync(join(copy, 'master.key'))
  })

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const inCopy = (words: readonly string[], more: NodeJS.ProcessEnv = {}, input = ''): Promise<Finished> =>
    run(process.execPath, [clawpatrol, ...words], { ...lab.env, CLAWPATROL_STATE: copy, ...more }, input)

  it('is readable by its owner alone', () => {
    const modes = ['', 'clawpatrol.db', 'master.key'].map((name) => statSync(join(lab.stateDir, name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600, 0o600])
  })

  it('copied without the master key has no secret, no CA key, no WireGuard key and no device token in it', () => {
    const apiToken = readFileSync(join(lab.env.CLAWPATROL_DIR ?? '', 'api-token'), 'utf8').trim()
    const deviceKey = /PrivateKey = (\S+)/.exec(
      readFileSync(join(lab.env.CLAWPATROL_DIR ?? '', 'wg.conf'), 'utf8'),
    )?.[1]
    expect(foundInFiles(copy, [canary, apiToken, deviceKey ?? 'missing'])).toEqual([])
    expect(readFileSync(join(copy, 'clawpatrol.db'), 'latin1')).not.toMatch(/PRIVATE KEY/)
  })

  it('copied without the master key opens nothing, and says which file is missing', async () => {
    const done = await inCopy(['secret', 'list'])
    expect(done).toMatchObject({ code: 1, stdout: '' })
    expect(done.stderr).toMatch(/^clawpatrol: Cannot open the stored secrets: ".*master\.key" is missing\nhint: .*\n$/)
  })

  it('opened with another key says so and reveals nothing', async () => {
    writeFileSync(join(copy, 'master.key'), `${'ab'.repeat(32)}\n`, { mode: 0o600 })
    const sentence = /^clawpatrol: Cannot open the stored secrets: the master key is not the one .*\nhint: .*\n$/
    for (const more of [{}, { CLAWPATROL_MASTER_KEY: 'cd'.repeat(32) }, { CLAWPATROL_MASTER_PASSPHRASE: 'guess' }]) {
      const done = await inCopy(['secret', 'set', 'token'], more, 'other')
      expect(done).toMatchObject({ code: 1, stdout: '' })
      expect(done.stderr).toMatch(sentence)
      expect(foundIn(done.stderr, [canary])).toEqual([])
    }
    const started = await inCopy(['gateway', writeConfig(lab, copy)])
    expect(started.code).toBe(1)
    expect(started.stderr).toMatch(sentence)
  })

  it('with a key file others can read is refused or made private', async () => {
    cpSync(join(lab.stateDir, 'master.key'), join(copy, 'master.key'))
    chmodSync(join(copy, 'master.key'), 0o644)
    const done = await inCopy(['secret', 'list'])
    if (done.code === 0) expect(statSync(join(copy, 'master.key')).mode & 0o777).toBe(0o600)
    else expect(done.stderr).toMatch(/^clawpatrol: .*master\.key.*\nhint: .*\n$/)
  })

  it('a new master key replaces the old one: only keys are wrapped anew', async () => {
    const before = readFileSync(join(lab.stateDir, 'master.key'))
    expectOk(await lab.cli(['secret', 'rekey']))
    expect(readFileSync(join(lab.stateDir, 'master.key')).equals(before)).toBe(false)
    expect((await lab.cli(['secret', 'list', '--json'])).stdout).toContain('"name":"token"')
    await lab.restart()
    expectOk(await lab.run(['true']))
  })
})

/** The lab's configuration with another state directory. */
function writeConfig(lab: Lab, stateDir: string): string {
  const path = join(lab.dir, 'copy.hcl')
  writeFileSync(path, readFileSync(join(lab.dir, 'gateway.hcl'), 'utf8').replace(lab.stateDir, stateDir))
  return path
}
