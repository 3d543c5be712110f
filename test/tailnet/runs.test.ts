import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identityFiles } from '../../onboard/client/identity.ts'
import { expectOk } from '../support/device.ts'
import { until } from '../support/until.ts'
import { python } from './agent.ts'
import { type ControlNode, controlBuildMs } from './control.ts'
import { type GatewayLab, host, type Member, startGatewayLab, token } from './gateway-lab.ts'
import { echo4, echo6, otherName, row, startWorldServers, type WorldServers, worldLines } from './world.ts'

const runsAtOnce = 20
const isRun = ({ hostname }: ControlNode) => hostname.startsWith('laptop-run-')

describe('runs of a machine that joined over the tailnet', () => {
  let lab: GatewayLab
  let servers: WorldServers
  let laptop: Member

  beforeAll(async () => {
    lab = await startGatewayLab({ machines: ['laptop'], gatewayLines: worldLines })
    servers = await startWorldServers(lab.lab.world)
    laptop = await lab.member('laptop')
  }, controlBuildMs)
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const get = (...words: readonly string[]) => laptop.run(['curl', '-sS', ...words, `https://${host}/x`])

  it('joined by the tailnet, since the gateway offers nothing else', async () => {
    const listed = JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout)
    expect(listed.devices).toEqual([
      expect.objectContaining({ name: 'laptop', transport: 'tailnet', blocked: false, wholeMachine: false, peers: [] }),
    ])
    expect(expectOk(await lab.operator(['device', 'show', 'laptop'])).stdout).toContain('joined from  198.18.1.2')
    const status = JSON.parse(expectOk(await laptop.cli(['status', '--json'])).stdout)
    expect(status.ok).toBe(true)
  })

  it.each([
    ['1.1', '--http1.1'],
    ['2', '--http2'],
  ])('put the credential into requests, over HTTP/%s', async (version, flag) => {
    const { stdout } = expectOk(await get(flag, '-w', ' %{http_version}'))
    expect(stdout).toBe(`{"method":"GET","url":"/x","isAuthorized":true,"bytes":0} ${version}`)
    expect(stdout).not.toContain(token)
  })

  it('are denied what a rule denies, and the record names device, rule and source', async () => {
    const { stdout } = expectOk(await get('-X', 'DELETE', '-w', '%{http_code} %{content_type}'))
    const [problem = '', status] = stdout.split('\n')
    expect(status).toBe('403 application/problem+json')
    expect(JSON.parse(problem)).toMatchObject({ rule: 'no-delete', reason: 'nothing is deleted here' })
    const denied = await until('it is on record', async () =>
      (await lab.records()).find(({ decision }) => decision === 'deny'),
    )
    expect(denied).toMatchObject({ device: 'laptop', rule: 'no-delete', profile: 'default' })
    expect(denied.source).toMatch(/^(100\.|\[fd7a:115c:a1e0:)/)
  })

  it('reach what no endpoint claims over TCP, by address and by name, in both families', async () => {
    const program = `say(tcp("${echo4}", 7), tcp("${echo6}", 7), tcp("${otherName}", 7), len(tcp("${echo4}", 7, b"x" * 1000000)))`
    const { stdout } = expectOk(await laptop.run(python(program)))
    expect(stdout).toBe('hello hello hello 1000000\n')
    const recorded = await until('they are on record', async () => {
      const found = (await lab.records()).filter(({ title }) => String(title).includes(':7'))
      return found.length >= 4 && found
    })
    expect(recorded.every(({ device, decision }) => device === 'laptop' && decision === 'allow')).toBe(true)
  })

  it('let psql speak to a server no endpoint claims', async () => {
    const { stdout } = expectOk(
      await laptop.run(['psql', '-XAt', '-c', 'select said', `host=${echo4} user=agent dbname=x sslmode=prefer`]),
    )
    expect(stdout).toBe(`${row}\n`)
  })

  it('reach what no endpoint claims over UDP, in both families', async () => {
    const { stdout } = expectOk(await laptop.run(python(`say(udp("${echo4}", 7), udp("${echo6}", 7))`)))
    expect(stdout).toBe('hello hello\n')
  })

  it('ask the gateway for names over UDP and TCP, whatever server they name', async () => {
    const program = `
for ask in (dns_udp, dns_tcp):
  for name in ("${host}", "${otherName}", "nobody.example.test"):
    say(ask("192.0.2.53", name, 1), ask("192.0.2.53", name, 28))`
    const lines = expectOk(await laptop.run(python(program)))
      .stdout.trimEnd()
      .split('\n')
    const virtual = expect.stringMatching(/^\[0, '10\.78\.\d+\.\d+'\] \[0, 'fd78::[0-9a-f]+'\]$/)
    const expected = [virtual, `[0, '${echo4}'] [0, '${echo6}']`, '[3] [3]']
    expect(lines).toEqual([...expected, ...expected])
  })

  it.each([
    ['0', 'true', 0],
    ['3', 'exit 3', 3],
    ['127 for what is not there', 'exec nothing-of-that-name', 127],
    ['128 + signal', 'kill -TERM $$', 143],
  ])('end with the exit code of the command: %s', async (_, script, code) => {
    expect((await laptop.run(['sh', '-c', script])).code).toBe(code)
  })

  it('end with 127 when there is no such command', async () => {
    expect((await laptop.run(['nothing-of-that-name'])).code).toBe(127)
  })

  it('pass standard input on, and a signal', async () => {
    await using counting = laptop.startRun(['wc', '-c'], 'x'.repeat(1_000_000))
    expect((await counting.finished).stdout.trim()).toBe('1000000')
    await using waiting = laptop.startRun(['sh', '-c', 'trap "echo told; exit 7" TERM; echo up; sleep 60 & wait'])
    await waiting.saw(/up/)
    waiting.child.kill('SIGTERM')
    expect(await waiting.finished).toMatchObject({ code: 7, stdout: 'up\ntold\n' })
    await lab.control.gone('its node is gone', isRun)
  })

  it('show the command neither the key nor the token nor the state of the node', async () => {
    const dir = laptop.env.CLAWPATROL_DIR ?? ''
    const secrets = [identityFiles.authKey, identityFiles.token].map((name) =>
      readFileSync(join(dir, name), 'utf8').trim(),
    )
    const look = `cat > /tmp/patterns-$$; grep -rlsF -f /tmp/patterns-$$ "$HOME" /dev/shm /proc/[0-9]*/environ /proc/[0-9]*/cmdline; rm /tmp/patterns-$$`
    // the same look finds them where they are
    const { stdout: outside } = await laptop.machine.run(['sh', '-c', look], laptop.env, secrets.join('\n'))
    expect(outside).toContain(identityFiles.authKey)
    expect(outside).toContain(identityFiles.token)
    await using looking = laptop.startRun(['sh', '-c', look], secrets.join('\n'))
    expect(await looking.finished).toMatchObject({ stdout: '', stderr: '' })
    const script = `
      ls -A ${dir}
      grep -lsE 'privkey:|nodekey:|tskey-' -r /tmp/clawpatrol-run-*
      ls -d /proc/[0-9]* | wc -l
      env | grep -E '^CLAWPATROL|tskey|^TS_'`
    const { stdout } = await laptop.run(['sh', '-c', script])
    // init, the shell, and what lists and counts
    expect(stdout).toMatch(new RegExp(`^${identityFiles.bundle}\n${identityFiles.ca}\n[34]\n$`))
  })

  it(`run ${runsAtOnce} at once, each as a node of its own that is gone at its end`, { timeout: 120_000 }, async () => {
    const began = performance.now()
    const program = `
say("from", tcp("${echo4}", 7), [s.getsockname()[0] for s in [socket.create_connection(("${echo4}", 7))]][0])
sys.stdin.readline()
say("still", tcp("${echo6}", 7))`
    const runs = Array.from({ length: runsAtOnce }, () => laptop.startRun(python(program), null))
    try {
      const said = await Promise.all(runs.map((each) => each.saw(/from hello (\S+)\n/, 100_000)))
      const upMs = performance.now() - began
      const nodes = (await lab.control.nodes()).filter(isRun)
      const addresses = said.map(([, address]) => address ?? '')
      expect(new Set(addresses).size).toBe(runsAtOnce)
      expect(nodes.map(({ addresses: [first] }) => first).sort()).toEqual([...addresses].sort())
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(runsAtOnce)
      const [shown] = JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout).devices
      expect(new Set(shown.peers.map(({ run }: { readonly run: string }) => run)).size).toBe(runsAtOnce)
      for (const { child } of runs) child.stdin?.end('\n')
      const ends = await Promise.all(runs.map(({ finished }) => finished))
      expect(ends.map(({ code, stdout }) => [code, stdout.endsWith('still hello\n')])).toEqual(
        runs.map(() => [0, true]),
      )
      await lab.control.gone('their nodes are gone', isRun)
      const [left] = JSON.parse(expectOk(await lab.operator(['device', 'list', '--json'])).stdout).devices
      expect(left.peers).toEqual([])
      process.stderr.write(
        `${runsAtOnce} runs at once: all up after ${Math.round(upMs)} ms, all gone after ${Math.round(performance.now() - began)} ms\n`,
      )
    } finally {
      for (const each of runs) await each[Symbol.asyncDispose]()
    }
  })

  it('tells how long the first byte takes', async () => {
    const took: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const began = performance.now()
      await using running = laptop.startRun(['curl', '-sSN', `https://${host}/x`])
      await running.saw(/./)
      took.push(Math.round(performance.now() - began))
      expect((await running.finished).code).toBe(0)
    }
    process.stderr.write(`from the start of a run to its first byte: ${took.join(', ')} ms\n`)
  })
})
