import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listen, type OnboardLab, onboardLab, openAdmin } from '../../../test/support/onboarding.ts'
import { type Finished, type Running, start } from '../../../test/support/program.ts'

const root = join(import.meta.dirname, '../../..')
const call = `import('${root}/gateway/cli/main.ts').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)) })`

describe('the commands of devices and operators', { timeout: 60_000 }, () => {
  let home = ''
  let url = ''
  let lab: OnboardLab
  const stack: AsyncDisposable[] = []

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'clawpatrol-cli-'))
    lab = onboardLab()
    const [listener, admin] = [await listen(lab), await openAdmin(lab)]
    stack.push(admin, listener, lab)
    url = `http://127.0.0.1:${listener.port}`
  })
  afterEach(async () => {
    for (const each of stack.splice(0)) await each[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })

  const begin = (words: readonly string[], input?: string): Running =>
    start(
      process.execPath,
      ['--import', 'tsx', '-e', call, '--', ...words],
      {
        PATH: process.env.PATH,
        HOME: home,
        CLAWPATROL_STATE: join(lab.dir, 'state'),
        NO_COLOR: '1',
      },
      input,
    )
  const cli = (...words: string[]): Promise<Finished> => begin(words).finished
  const joined = async () => {
    const joining = begin(['join', url, '--no-trust', '--hostname', 'lab', '--profile', 'coder'])
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    const approved = await cli('device', 'approve', code)
    return { code, approved, joining: await joining.finished }
  }

  it('join and approve, each showing the fingerprint to compare', async () => {
    const { code, approved, joining } = await joined()
    expect(joining).toMatchObject({ code: 0, stderr: '' })
    expect(joining.stdout).toContain(`code ${code}`)
    expect(joining.stdout).toContain(`clawpatrol device approve ${code}`)
    expect(joining.stdout).toContain(`CA fingerprint ${lab.fingerprint}`)
    expect(joining.stdout).toContain(`✓ joined ${url} as lab`)
    expect(approved).toMatchObject({ code: 0, stderr: '' })
    for (const part of ['✓ lab is approved', 'from           127.0.0.1', 'profile        coder', lab.fingerprint])
      expect(approved.stdout).toContain(part)
    const token = readFileSync(join(home, '.clawpatrol/api-token'), 'utf8').trim()
    expect(joining.stdout + approved.stdout).not.toContain(token)
  })

  it('status, env and uninstall', async () => {
    await joined()
    const status = await cli('status', '--json')
    expect([status.code, JSON.parse(status.stdout)]).toMatchObject([0, { ok: true }])
    const env = await cli('env')
    expect(env.code).toBe(0)
    const dir = join(home, '.clawpatrol')
    expect(env.stdout).toContain(`export NODE_EXTRA_CA_CERTS='${dir}/ca.crt'`)
    expect(env.stdout).toContain("# it's a demo — bearer_token\nexport CLAWPATROL_DEMO='PH_coder'")
    const kept = await begin(['uninstall'], 'n\n').finished
    expect([kept.code, kept.stdout.endsWith('aborted\n'), existsSync(dir)]).toEqual([0, true, true])
    const gone = await cli('uninstall', '-y')
    expect([gone.code, existsSync(dir), lab.devices.list()]).toEqual([0, false, []])
    expect(await cli('status')).toMatchObject({ code: 1 })
    expect(await cli('env')).toMatchObject({ code: 2, stdout: '' })
  })

  it('env prints what it has, and fails, when the gateway is gone', async () => {
    await joined()
    for (const each of stack.splice(0, 2)) await each[Symbol.asyncDispose]()
    const env = await cli('env')
    expect(env.code).toBe(1)
    expect(env.stdout).toContain('export SSL_CERT_FILE=')
    expect(env.stderr).toContain('nothing listens there')
  })

  it('device list, show, block, unblock and delete; profile set', async () => {
    await joined()
    const listed = await cli('device', 'list')
    const rows = listed.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
    expect(rows).toEqual([
      ['NAME', 'PROFILE', 'ADDRESS', 'RUNS', 'SEEN', 'STATE'],
      ['lab', 'coder', '10.55.0.2', '0', 'never', 'approved'],
    ])
    expect((await cli('profile', 'set', 'lab')).stdout).toContain('(default)')
    expect((await cli('device', 'block', 'lab')).stdout).toContain('lab is blocked')
    expect((await cli('device', 'show', 'lab')).stdout).toContain('state        blocked')
    expect(await cli('run', '--', 'true')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has blocked this'),
    })
    expect((await cli('device', 'unblock', 'lab')).stdout).toContain('let in again')
    const shown = await cli('device', 'list', '--json')
    expect(JSON.parse(shown.stdout)).toMatchObject({ devices: [{ name: 'lab', profile: null, blocked: false }] })
    expect((await cli('device', 'delete', 'lab')).code).toBe(0)
    expect((await cli('device', 'list')).stdout).toContain('no devices yet')
    expect(await cli('run', '--', 'true')).toMatchObject({ code: 2, stderr: expect.stringContaining('join') })
  })

  it('device pin, and why a device is blocked', async () => {
    await joined()
    const [only] = lab.devices.list()
    const shown = (await cli('device', 'show', 'lab')).stdout
    expect(shown).toContain('joined from  127.0.0.1\n')
    expect(shown).toContain('pin          off (as the policy says)\n')
    expect((await cli('device', 'pin', 'lab', 'enforce')).stdout).toBe(
      '✓ lab has the pin enforce; it joined from 127.0.0.1\n',
    )
    expect((await cli('device', 'show', 'lab')).stdout).toContain('pin          enforce (set for this device)\n')
    await lab.registry.block(only?.id as never, 'the device joined from 127.0.0.1 and is at 127.0.0.2')
    const why = 'blocked: the device joined from 127.0.0.1 and is at 127.0.0.2\n'
    expect((await cli('device', 'show', 'lab')).stdout).toContain(`state        ${why}`)
    expect((await cli('device', 'list')).stdout).toContain(why)
    expect((await cli('device', 'unblock', 'lab')).stdout).toBe(
      '✓ lab is let in again; it is pinned to where it is seen next\n',
    )
    expect((await cli('device', 'show', 'lab')).stdout).toContain('joined from  not known yet\n')
    expect((await cli('device', 'pin', 'lab', 'default')).stdout).toContain('lab has the pin off')
    expect(await cli('device', 'pin', 'lab', 'on')).toMatchObject({
      code: 1,
      stderr: 'clawpatrol: Unknown mode "on"\nhint: it is one of off, warn, enforce, default\n',
    })
  })

  it('name what is wrong in one sentence, with an exit code of its own', async () => {
    const nowhere = join(home, '.clawpatrol/config.json')
    expect(await cli('run', '--', 'true')).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `clawpatrol: This machine has not joined a gateway: "${nowhere}" is missing\nhint: run clawpatrol join <gateway-url>\n`,
    })
    expect(await cli('run')).toMatchObject({ code: 2, stderr: expect.stringContaining('no command to run') })
    expect(await cli('run', '--allow', 'all', '--', 'true')).toMatchObject({ code: 2 })
    expect(await cli('join')).toMatchObject({ code: 2 })
    expect(await cli('join', 'gate.example')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no scheme'),
    })
    expect(await cli('device', 'approve', 'ABCD-2345')).toMatchObject({ code: 1, stdout: '' })
    expect(await cli('device', 'list', '--state-dir', '/nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No gateway runs with the state directory'),
    })
  })

  it('device deny turns a machine away', async () => {
    const joining = begin(['join', url, '--no-trust'])
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    expect(await cli('device', 'deny', code)).toMatchObject({ code: 0 })
    expect(await joining.finished).toMatchObject({ code: 2, stderr: 'clawpatrol: The operator denied this join\n' })
  })
})
