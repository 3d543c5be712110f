import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { expectOk } from '../support/device.ts'
import { gatewayBlock, labEnvironment } from '../support/lab.ts'
import { connect, type Machine, type Snapshot, startMachine } from '../support/machine.ts'
import { mayRoute } from '../support/may-route.ts'
import { oneApi } from '../support/one-api.ts'
import { processesWith } from '../support/processes.ts'
import { clawpatrol, type Finished, type Running, run, start } from '../support/program.ts'
import { until } from '../support/until.ts'

const token = 'upstream-secret-2d9b6f1c07aa4c5e'
const gatewayPort = 8080
const clawpatrolCommand = `${process.execPath} ${clawpatrol}`
const url = `https://203.0.113.1:${gatewayPort}`

const subject = 'a machine that goes through the gateway as a whole'

describe.runIf(mayRoute(subject, 'wireguard'))(subject, { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-whole-'))
  const operatorEnv = labEnvironment(dir)
  const home = join(dir, 'box')
  const boxEnv = { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' }
  const running: Running[] = []
  let world: Machine
  let box: Machine
  let before: Snapshot

  const begin = (machine: Machine, words: readonly string[], env: NodeJS.ProcessEnv = boxEnv): Running => {
    const [command = '', ...args] = machine.inside(words)
    const begun = start(command, args, env)
    running.push(begun)
    return begun
  }
  const onBox = (...words: string[]): Promise<Finished> => begin(box, [process.execPath, clawpatrol, ...words]).finished
  const operator = (words: readonly string[], input?: string): Promise<Finished> =>
    run(process.execPath, [clawpatrol, ...words], operatorEnv, input)
  const joinWords = (...more: readonly string[]) => [
    ...[process.execPath, clawpatrol, 'join', url, '--no-trust', '--hostname', 'box'],
    ...more,
  ]
  const joinBox = async (...more: string[]): Promise<Finished> => {
    const joining = begin(box, joinWords(...more))
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    expectOk(await operator(['device', 'approve', code]))
    return await joining.finished
  }
  // as a new shell does, from the lines in its start file
  const curl = (address: string) =>
    box.run(['sh', '-c', `eval "$(${clawpatrolCommand} env)"; exec curl -sS --max-time 10 "$0"`, address], boxEnv)

  beforeAll(async () => {
    world = await startMachine()
    box = await startMachine()
    await connect(
      { machine: box, name: 'eth0', addresses: ['203.0.113.2/24', '2001:db8::2/64', 'fe80::2/64'] },
      { machine: world, name: 'eth0', addresses: ['203.0.113.1/24', '2001:db8::1/64', 'fe80::1/64'] },
    )
    expectOk(await box.run(['ip', 'route', 'add', 'default', 'via', '203.0.113.1']))
    expectOk(await box.run(['ip', 'route', 'add', 'default', 'via', '2001:db8::1']))
    expectOk(await world.run(['ip', 'addr', 'add', '198.51.100.7/32', 'dev', 'lo']))
    mkdirSync(home)
    writeFileSync(join(home, '.profile'), 'umask 022\n')
    const authority = makeAuthority(dir, ['api.example.test'])
    await begin(world, [process.execPath, '-e', upstream(authority)]).saw(/listens/)
    const place = { dir, wireguardPort: 51820, apiPort: gatewayPort }
    const policy = oneApi({ host: 'api.example.test', port: 8443, caFile: authority.caFile })
    const config = join(dir, 'gateway.hcl')
    writeFileSync(config, `${gatewayBlock(place).replaceAll('"127.0.0.1:', '"203.0.113.1:')}\n${policy}`)
    expectOk(await operator(['secret', 'set', 'token'], token))
    await begin(world, [process.execPath, clawpatrol, 'gateway', config], operatorEnv).saw(/ready/i, 30_000)
    before = await box.snapshot()
  })
  afterAll(async () => {
    for (const each of running.reverse()) await each[Symbol.asyncDispose]()
    await box?.[Symbol.asyncDispose]()
    await world?.[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  it('reaches the API with the credential, is still reached from outside, and is as before after uninstall', async () => {
    const joined = expectOk(await joinBox('--whole-machine'))
    expect(joined.stdout).toContain(
      '✓ all traffic of this machine goes to the gateway (WireGuard, interface clawpatrol)',
    )
    expect(expectOk(await curl('https://api.example.test/')).stdout).toBe('injected')

    await using inbound = begin(box, [process.execPath, '-e', sshd])
    await inbound.saw(/listens/)
    const caller = await world.run([process.execPath, '-e', ssh])
    expect(caller.stdout).toBe('198.51.100.7')

    const status = JSON.parse(expectOk(await onBox('status', '--json')).stdout)
    expect(status.checks).toContainEqual({
      name: 'whole machine',
      isRight: true,
      detail: 'WireGuard, interface clawpatrol',
    })
    const direct = await onBox('run', '--', 'sh', '-c', 'echo "$SSL_CERT_FILE"; exit 3')
    expect(direct).toMatchObject({ code: 3, stdout: `${home}/.clawpatrol/ca-bundle.crt\n` })
    expect(direct.stderr).toContain('sh runs directly')
    expect(readFileSync(join(home, '.profile'), 'utf8')).toContain('eval "$(clawpatrol env)"')

    const gone = expectOk(await onBox('uninstall', '--yes'))
    expect(gone.stdout).not.toContain('⚠')
    expect(await box.snapshot()).toEqual(before)
    expect(readFileSync(join(home, '.profile'), 'utf8')).toBe('umask 022\n')
    expect(JSON.parse(expectOk(await operator(['device', 'list', '--json'])).stdout)).toMatchObject({ devices: [] })
  })

  it('runs commands directly, with the exit codes of run, and not at all once traffic goes another way', async () => {
    expectOk(await joinBox('--whole-machine'))
    for (const [words, code] of [
      [['true'], 0],
      [['sh', '-c', 'kill -TERM $$'], 143],
      [['no-such-command-anywhere'], 127],
      [['/etc/passwd'], 126],
    ] as const)
      expect((await onBox('run', '--', ...words)).code).toBe(code)
    const plain = begin(box, [process.execPath, clawpatrol, 'run', '--', 'env'], { ...boxEnv, CLAWPATROL_NO_ENV: '1' })
    expect((await plain.finished).stdout).not.toContain('SSL_CERT_FILE')
    expectOk(await box.run(['wg-quick', 'down', 'clawpatrol']))
    expect(await onBox('run', '--', 'echo', 'leaked')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('does not go through its gateway any more'),
    })
    expect(await onBox('status')).toMatchObject({ code: 1 })
  })

  it('joins again, also in the other mode, after undoing what was there', async () => {
    expectOk(await joinBox('--whole-machine'))
    expect(expectOk(await curl('https://api.example.test/')).stdout).toBe('injected')
    expectOk(await joinBox())
    expect(await box.snapshot()).toEqual(before)
    const { stdout } = expectOk(await onBox('run', '--', 'curl', '-sS', 'https://api.example.test/'))
    expect(stdout).toBe('injected')
    expect(JSON.parse(expectOk(await operator(['device', 'list', '--json'])).stdout).devices).toHaveLength(1)
  })

  it('killed while it joins: uninstall brings everything back', async () => {
    const joining = begin(box, joinWords('--whole-machine'))
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    expectOk(await operator(['device', 'approve', code]))
    await joining.saw(/joined/)
    await until(
      'the tunnel is being made',
      async () => (await box.run(['ip', 'link', 'show', 'clawpatrol'])).code === 0,
    )
    joining.child.kill('SIGKILL')
    await joining.finished
    // the one command that was running then goes on to its end
    await until('it ended', () => processesWith('/usr/bin/wg-quick').length === 0)
    expectOk(await onBox('uninstall', '--yes'))
    expect(await box.snapshot()).toEqual(before)
  })

  it('has systemd bring the tunnel up at every start, until uninstall', async () => {
    // a stand-in: there is no systemd in a namespace
    const folder = join(dir, 'systemd')
    mkdirSync(folder)
    writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\necho "$@" >> ${folder}/said\n`, { mode: 0o755 })
    boxEnv.PATH = `${folder}:${process.env.PATH}`
    expectOk(await box.run(['mkdir', '-p', '/run/systemd/system']))
    expectOk(await joinBox('--whole-machine'))
    expectOk(await onBox('uninstall', '--yes'))
    const unit = 'wg-quick@clawpatrol.service'
    expect(readFileSync(join(folder, 'said'), 'utf8')).toBe(`enable ${unit}\ndisable ${unit}\n`)
    expectOk(await box.run(['rm', '-r', '/run/systemd']))
    boxEnv.PATH = process.env.PATH
    expect(await box.snapshot()).toEqual(before)
  })

  it('refuses a gateway on the machine itself, before anything is asked', async () => {
    const words = ['join', 'https://127.0.0.1:8080', '--whole-machine']
    expect(await onBox(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('is on this machine') })
  })
})

/** Says whether the secret came with a request. */
function upstream({ key, cert }: { readonly key: string; readonly cert: string }): string {
  return `require('https').createServer(${JSON.stringify({ key, cert })}, (request, response) => {
    response.end(request.headers.authorization === 'Bearer ${token}' ? 'injected' : 'without')
  }).listen(8443, '127.0.0.1', () => console.log('listens'))`
}

const sshd = `require('net').createServer((socket) => socket.end(socket.remoteAddress))
  .listen(22, '203.0.113.2', () => console.log('listens'))`
const ssh = `require('net').connect({ host: '203.0.113.2', port: 22, localAddress: '198.51.100.7' }).pipe(process.stdout)`
