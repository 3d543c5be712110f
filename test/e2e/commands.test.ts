import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Device, expectOk } from '../support/device.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { processesWith } from '../support/processes.ts'
import { until } from '../support/until.ts'

const commands = [
  ...['gateway', 'dev', 'join', 'login', 'run', 'env', 'status', 'uninstall', 'device', 'profile', 'reload', 'secret'],
  ...[
    'history',
    'rollback',
    'what-if',
    'logs',
    'validate',
    'version',
    'device list',
    'device show',
    'device approve',
    'device deny',
    'device block',
  ],
  ...[
    'device unblock',
    'device pin',
    'device delete',
    'secret set',
    'secret list',
    'secret rm',
    'secret rekey',
    'profile set',
  ],
]

describe('clawpatrol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-commands-'))
  let lab: Lab

  beforeAll(async () => {
    lab = await startLab({
      names: ['api.example.test'],
      policy: () => `
endpoint "https" "api" {
  hosts = ["api.example.test"]
}
credential "bearer_token" "token" {
  endpoint    = https.api
  placeholder = "PH_agent_token"
}
profile "default" {
  credentials = [bearer_token.token]
}
`,
    })
  })
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each([
    ['true', ['true'], 0],
    ['its own code', ['sh', '-c', 'exit 3'], 3],
    ['a signal', ['sh', '-c', 'kill -TERM $$'], 143],
    ['no such command', ['no-such-command-anywhere'], 127],
    ['a file that is no program', ['/etc/passwd'], 126],
  ])('run ends as its command does: %s', async (_how, words, code) => {
    expect((await lab.run(words)).code).toBe(code)
  })

  it('run ends with 143 when it is told to end, and its command with it', async () => {
    const marker = `marker-${process.pid}-sleep`
    const running = lab.startRun(['sh', '-c', 'echo begun; sleep 300', marker])
    await running.saw(/begun/)
    running.child.kill('SIGTERM')
    expect((await running.finished).code).toBe(143)
    expect(processesWith(marker)).toEqual([])
  })

  it('run killed with -9 leaves no process behind', async () => {
    const marker = `marker-${process.pid}-orphan`
    const running = lab.startRun(['sh', '-c', 'echo begun; sleep 300', marker])
    await running.saw(/begun/)
    running.child.kill('SIGKILL')
    await until('everything it started is gone', () => processesWith(marker).length === 0)
  })

  it('run passes standard input, both outputs and arguments unchanged', async () => {
    const script = 'cat; printf "[%s]" "$@"; echo oops >&2'
    const done = await lab.run(['sh', '-c', script, 'sh', 'a b', '', '--help', '*'], { input: 'line\n\0byte' })
    expect(done).toMatchObject({ code: 0, stdout: 'line\n\0byte[a b][][--help][*]', stderr: 'oops\n' })
  })

  it('run and env give the placeholder and the trust of the gateway, and no variable of clawpatrol itself', async () => {
    const inside = (await lab.run(['env'])).stdout
    expect(inside).toMatch(/=PH_agent_token$/m)
    expect(inside).toMatch(/^SSL_CERT_FILE=.*\/ca-bundle\.crt$/m)
    expect(inside).not.toMatch(/^CLAWPATROL_(?!TOKEN=PH_agent_token$)/m)
    const exported = expectOk(await lab.cli(['env'])).stdout
    expect(exported).toMatch(/^export NODE_EXTRA_CA_CERTS='.*\/ca\.crt'$/m)
    expect(exported).toMatch(/^export \w+='PH_agent_token'$/m)
  })

  it.each(commands)('%s --help tells what it does', async (command) => {
    const done = await lab.cli([...command.split(' '), '--help'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(new RegExp(`^Usage: clawpatrol ${command}\\b`))
    expect(done.stdout.split('\n').length).toBeGreaterThan(4)
  })

  it('--help lists every command and --version names one', async () => {
    const { stdout } = await lab.cli(['--help'])
    for (const command of commands.filter((name) => !name.includes(' ')))
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    expect(await lab.cli(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d+\.\d+\.\d+/) })
  })

  it('status says that everything is right, for people and for programs', async () => {
    const told = expectOk(await lab.cli(['status'])).stdout
    expect(told.match(/✓/g)).toHaveLength(5)
    const parsed = JSON.parse(expectOk(await lab.cli(['status', '--json'])).stdout)
    expect(parsed).toMatchObject({ ok: true, checks: expect.any(Array) })
    expect(parsed.checks.map((check: { readonly name: string }) => check.name)).toEqual([
      'joined',
      'files',
      'CA',
      'gateway',
      'device',
    ])
  })

  it('status --gateway shows the running gateway and its flows; reload says which policy is in force', async () => {
    const running = lab.startRun(['sleep', '60'])
    await until('the run has a peer', async () => {
      const { stdout } = await lab.cli(['status', '--gateway', '--json'])
      return JSON.parse(stdout).peers >= 2
    })
    running.child.kill('SIGTERM')
    await running.finished
    const told = expectOk(await lab.cli(['status', '--gateway'])).stdout
    expect(told).toMatch(/^record +\d+ events written, \d+ waiting$/m)
    const parsed = JSON.parse(expectOk(await lab.cli(['status', '--gateway', '--json'])).stdout)
    expect(parsed).toMatchObject({ recorder: { healthy: true }, live: [], metrics: { rssBytes: expect.any(Number) } })
    const { stdout } = expectOk(await lab.cli(['reload']))
    expect(stdout).toContain(`policy ${parsed.revision.slice(0, 12)} is in force`)
  })

  it('uninstall leaves nothing on the machine and no device at the gateway', async () => {
    const leaving: Device = await lab.device('leaving')
    const { HOME: home = '', CLAWPATROL_DIR: dir = '' } = leaving.env
    expectOk(await leaving.run(['true']))
    expect(existsSync(join(dir, 'api-token'))).toBe(true)
    expect(expectOk(await leaving.cli(['uninstall'], 'n\n')).stdout).toContain('aborted')
    expect(existsSync(join(dir, 'api-token'))).toBe(true)
    expectOk(await leaving.cli(['uninstall', '--yes']))
    expect(readdirSync(home)).toEqual([])
    const names = JSON.parse(expectOk(await lab.cli(['device', 'list', '--json'])).stdout).devices.map(
      (device: { readonly name: string }) => device.name,
    )
    expect(names).toEqual(['lab'])
    expect(await leaving.run(['true'])).toMatchObject({ code: 2 })
  })
})
