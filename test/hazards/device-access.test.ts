import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCaptured } from '../../onboard/capture/captured.fixture.ts'
import { attachTunnel } from '../../onboard/capture/tunnel.ts'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { type Agent, startAgent } from '../support/agent.ts'
import { makeAuthority } from '../support/authority.ts'
import { type Device, deviceOf, expectOk, otherMachine, startJoin } from '../support/device.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { oneApi } from '../support/one-api.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'access-token-77b1'

describe('P5: a device moves bytes only as long as it may', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-access-'))
  let upstream: Upstream
  let lab: Lab

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({
      names: [host],
      secrets: { token },
      policy: () => oneApi({ host, port: upstream.port, caFile: authority.caFile }),
    })
  })

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A device with a stream that goes on until somebody ends it. */
  const withLiveStream = async (name: string) => {
    const device = await lab.device(name)
    const agent = await startAgent(device)
    const stream = device.startRun(['curl', '-sSN', `https://${host}/endless`])
    await stream.saw(/data: more/)
    return { device, agent, stream }
  }

  /** How long after an operator's command a stream still went on, ms. */
  const endedAfter = async (command: readonly string[], stream: { readonly finished: Promise<unknown> }) => {
    const ended = stream.finished.then(() => performance.now())
    expectOk(await lab.cli(command))
    const told = performance.now()
    return Math.max(0, (await ended) - told)
  }

  const status = async (agent: Agent, seconds = 15) => {
    const words = [
      'curl',
      '-sS',
      '--max-time',
      String(seconds),
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `https://${host}/x`,
    ]
    return (await agent.run(words)).stdout
  }

  it('one that waits for approval cannot run anything, and its code lets nobody in', async () => {
    const env = otherMachine(lab.env, 'waiting')
    mkdirSync(env.HOME ?? '', { recursive: true })
    await using joining = startJoin({ url: lab.url, name: 'waiting', env })
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    expect(await deviceOf(env).run(['touch', join(folder, 'ran')])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^clawpatrol: This machine has not joined a gateway: .*\nhint: .*\n$/),
    })
    expectOk(await lab.cli(['device', 'deny', code]))
    expect(await joining.finished).toMatchObject({ code: 2, stderr: expect.stringMatching(/denied|turned/i) })
  })

  it('a key the gateway does not know gets no answer to any packet', async () => {
    const before = (await lab.records()).length
    const conf = readFileSync(join(lab.env.CLAWPATROL_DIR ?? '', 'wg.conf'), 'utf8')
    const address4 = /Address = ([\d.]+)/.exec(conf)?.[1] ?? ''
    const ask = `curl -sS --max-time 1 -k --resolve ${host}:443:10.78.0.1 https://${host}/; timeout 1 getent hosts ${host}; true`
    const { stdout, stderr } = await runCaptured('sh', ['-c', ask], {
      tunnel: { address4, address6: 'fd77::99', mtu: 1420, dns: ['10.55.0.1'] },
      attach: attachTunnel({
        privateKey: newKeyPair().privateKey,
        serverPublicKey: /PublicKey = (\S+)/.exec(conf)?.[1] ?? '',
        endpoint: `127.0.0.1:${lab.wireguardPort}`,
        keepaliveS: 25,
      }),
    })
    expect([stdout, stderr]).toEqual(['', expect.stringMatching(/timed? ?out/i)])
    expect(await lab.records()).toHaveLength(before)
  })

  it('a blocked one loses its live flows at once, gets no new ones, and may start again when unblocked', async () => {
    const { device, agent, stream } = await withLiveStream('blocked')
    expect(await status(agent)).toBe('200')
    expect(await endedAfter(['device', 'block', 'blocked'], stream)).toBeLessThan(1000)
    const before = upstream.received.length
    expect(await status(agent, 1)).toBe('000')
    expect(upstream.received).toHaveLength(before)
    await refusedWith(device, /The gateway has blocked this device/)
    expectOk(await lab.cli(['device', 'unblock', 'blocked']))
    const again = await startAgent(device)
    expect(await status(again)).toBe('200')
    await agent[Symbol.asyncDispose]()
    await again[Symbol.asyncDispose]()
  })

  it('a deleted one loses its live flows at once and is unknown from then on', async () => {
    const { device, agent, stream } = await withLiveStream('deleted')
    expect(await endedAfter(['device', 'delete', 'deleted'], stream)).toBeLessThan(1000)
    const before = upstream.received.length
    expect(await status(agent, 1)).toBe('000')
    expect(upstream.received).toHaveLength(before)
    await refusedWith(device, /The gateway does not know this device any more/)
    await agent[Symbol.asyncDispose]()
  })

  it('its end is on record with the reason', async () => {
    const ends = (await lab.records()).filter(({ title }) => String(title).includes('/endless'))
    expect(ends).toHaveLength(2)
    for (const end of ends) expect(`${end.status} ${end.error}`).toMatch(/^error the device was (blocked|deleted)$/)
  })

  const refusedWith = async (device: Device, sentence: RegExp) => {
    const refused = await device.run(['touch', join(folder, 'ran')])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(sentence)
    expect(refused.stderr).toMatch(/^clawpatrol: .*\nhint: .*\n$/)
    expect(() => readFileSync(join(folder, 'ran'))).toThrow('ENOENT')
  }
})
