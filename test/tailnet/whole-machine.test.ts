import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk } from '../support/device.ts'
import { connect, type Machine, type Snapshot, startMachine } from '../support/machine.ts'
import { mayRoute } from '../support/may-route.ts'
import { clawpatrol, type Finished, type Running, start } from '../support/program.ts'
import { until } from '../support/until.ts'
import { buildTailscale, tailscaleBuildMs } from './build-tailscale.ts'
import { type GatewayLab, host, startGatewayLab } from './gateway-lab.ts'

const subject = 'a whole machine in the tailnet, with its own Tailscale'

describe.runIf(mayRoute(subject, 'tailscale'))(subject, { timeout: 120_000 }, () => {
  let lab: GatewayLab
  let box: Machine
  let before: Snapshot
  let env: NodeJS.ProcessEnv
  const running: Running[] = []

  const begin = (words: readonly string[]): Running => {
    const [command = '', ...args] = box.inside(words)
    const begun = start(command, args, env)
    running.push(begun)
    return begun
  }
  const onBox = (...words: string[]): Promise<Finished> => begin([process.execPath, clawpatrol, ...words]).finished
  const tailscale = (...words: string[]) => box.run(['tailscale', ...words], env)

  beforeAll(async () => {
    const folder = await buildTailscale()
    lab = await startGatewayLab({ machines: [] })
    box = await startMachine()
    const home = join(lab.dir, 'box')
    mkdirSync(home)
    writeFileSync(join(home, '.profile'), 'umask 022\n')
    env = { PATH: `${home}:${folder}:${process.env.PATH}`, HOME: home, NO_COLOR: '1' }
    // a stand-in: there is no systemd in a namespace
    writeFileSync(join(home, 'systemctl'), `#!/bin/sh\necho "$@" >> ${home}/said\n`, { mode: 0o755 })
    await connect(
      { machine: box, name: 'eth0', addresses: ['198.18.200.2/30'] },
      { machine: lab.lab.world, name: 'box', addresses: ['198.18.200.1/30'] },
    )
    expectOk(await box.run(['ip', 'route', 'add', 'default', 'via', '198.18.200.1']))
    expectOk(await box.run(['mkdir', '-p', '/run/systemd/system', '/etc/systemd/system']))
    begin(['tailscaled', '--statedir=/run/tailscale', '--no-logs-no-support', '--port=0'])
    await until('tailscaled answers', async () => (await tailscale('status', '--json')).code === 0)
    before = await box.snapshot()
  }, tailscaleBuildMs)
  afterAll(async () => {
    for (const each of running.reverse()) await each[Symbol.asyncDispose]()
    await box?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  it('reaches the API with the credential, is still reached from outside, and is as before after uninstall', async () => {
    const joining = begin([
      ...[process.execPath, clawpatrol, 'join', lab.url, '--no-trust', '--hostname', 'box', '--whole-machine'],
    ])
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    expectOk(await lab.operator(['device', 'approve', code]))
    expect(expectOk(await joining.finished).stdout).toMatch(/✓ all traffic .* \(Tailscale, exit node 100\.64\.0\.\d+\)/)

    // as a new shell does, from the lines in its start file
    const curl = `eval "$("$0" "$1" env)"; exec curl -sS --max-time 10 https://${host}/x`
    const words = ['sh', '-c', curl, process.execPath, clawpatrol]
    expect(JSON.parse(expectOk(await box.run(words, env)).stdout)).toMatchObject({ isAuthorized: true })
    const [record] = await lab.records()
    expect(record).toMatchObject({ device: 'box', decision: 'allow', endpoint: 'api' })

    const sshd = `require('net').createServer((socket) => socket.end(socket.remoteAddress)).listen(22, () => console.log('listens'))`
    await begin([process.execPath, '-e', sshd]).saw(/listens/)
    const ssh = `require('net').connect({ host: '198.18.200.2', port: 22, localAddress: '198.51.100.7' }).pipe(process.stdout)`
    expect((await lab.lab.world.run([process.execPath, '-e', ssh])).stdout).toBe('::ffff:198.51.100.7')

    expect(JSON.parse(expectOk(await onBox('status', '--json')).stdout)).toMatchObject({ ok: true })
    expect(await onBox('run', '--', 'sh', '-c', 'exit 3')).toMatchObject({ code: 3 })
    const { devices } = JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout)
    expect(devices).toMatchObject([{ name: 'box', wholeMachine: true }])

    const unit = expectOk(await box.run(['cat', '/etc/systemd/system/clawpatrol-rules.service'])).stdout
    expect(unit).toContain('ExecStart=-/usr/bin/env ip -4 rule add from 198.18.200.2 lookup main priority 5\n')

    expect(expectOk(await onBox('uninstall', '--yes')).stdout).not.toContain('⚠')
    expect(await box.snapshot()).toEqual(before)
    expect(JSON.parse(expectOk(await tailscale('status', '--json')).stdout)).toMatchObject({
      BackendState: 'NeedsLogin',
    })
    expect(JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout)).toMatchObject({ devices: [] })
    const name = 'clawpatrol-rules.service'
    expect(readFileSync(join(env.HOME ?? '', 'said'), 'utf8')).toBe(`enable ${name}\ndisable ${name}\n`)
    await lab.control.gone('the node of the machine is gone', ({ hostname }) => hostname === 'box')
  })
})
