import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { gatewayHttp, jsonOf } from './gateway-http.ts'
import { loadIdentity } from './identity.ts'
import { type Joined, type JoinRequest, joinGateway } from './join.ts'
import { openSession } from './session.ts'
import { newKeyPair, publicKeyOf } from './wireguard-key.ts'

describe('joinGateway()', () => {
  it('saves an identity a run can open a session with', async () => {
    const { lab, url, dir } = await aLab()
    const shown: string[] = []
    const joined = await approvedJoin(lab, { url, dir }, (fingerprint) => shown.push(fingerprint))
    expect(joined).toMatchObject({
      gateway: url,
      deviceName: 'laptop',
      approvedBy: 'ops',
      fingerprint: lab.fingerprint,
    })
    expect(shown).toEqual([lab.fingerprint])
    const identity = loadIdentity(dir)
    const http = await gatewayHttp(identity.gateway)
    const key = newKeyPair()
    const session = await openSession(http, identity, {
      publicKey: key.publicKey,
      name: 'true',
      signal: new AbortController().signal,
    })
    expect(session.reply).toMatchObject({ address: '10.55.0.128', address6: 'fd77::80', mtu: 1420, dns: ['10.55.0.1'] })
    expect(lab.transport.table.get(key.publicKey)).toEqual(['10.55.0.128', 'fd77::80'])
    await session.close()
    expect(lab.transport.table.has(key.publicKey)).toBe(false)
    http.close()
  })

  it('gives every file its mode and keeps no other', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const modes = Object.fromEntries(
      readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]),
    )
    expect(modes).toEqual({
      'api-token': '600',
      'ca.crt': '644',
      'config.json': '600',
      gateway: '644',
      mode: '600',
      'wg.conf': '600',
    })
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    const conf = readFileSync(join(dir, 'wg.conf'), 'utf8')
    const privateKey = /PrivateKey = (\S+)/.exec(conf)?.[1] ?? ''
    expect(lab.transport.table.get(publicKeyOf(privateKey))).toEqual(['10.55.0.2', 'fd77::2'])
  })

  it('joining again keeps the device and its address, and makes the old token worthless', async () => {
    const { lab, url, dir } = await aLab()
    await approvedJoin(lab, { url, dir })
    const before = loadIdentity(dir)
    await approvedJoin(lab, { url, dir })
    const after = loadIdentity(dir)
    expect(after.deviceId).toBe(before.deviceId)
    expect(lab.devices.list()).toHaveLength(1)
    expect(lab.peers.listOf(lab.devices.list()[0]?.id ?? ('' as never)).map(({ address4 }) => address4)).toEqual([
      '10.55.0.2',
    ])
    const http = await gatewayHttp(after.gateway)
    const ask = (token: string) => http.ask({ method: 'GET', path: '/api/peer/self', token, timeoutMs: 5000 })
    expect((await ask(before.token)).status).toBe(401)
    expect(jsonOf(await ask(after.token))).toMatchObject({ name: 'laptop', address: '10.55.0.2' })
    http.close()
  })
})

async function aLab(): Promise<{ lab: OnboardLab; url: string; dir: string }> {
  const lab = onboardLab()
  const listener = await listen(lab)
  const home = mkdtempSync(join(tmpdir(), 'clawpatrol-home-'))
  onTestFinished(async () => {
    await listener[Symbol.asyncDispose]()
    await lab[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })
  const dir = join(home, '.clawpatrol')
  mkdirSync(dir, { mode: 0o755 })
  return { lab, url: `http://127.0.0.1:${listener.port}`, dir }
}

function approvedJoin(
  lab: OnboardLab,
  request: Pick<JoinRequest, 'url' | 'dir'>,
  shown: (fingerprint: string) => void = () => undefined,
): Promise<Joined> {
  return joinGateway({
    ...request,
    hostname: 'laptop',
    profile: null,
    insecureHttp: false,
    show: ({ userCode, fingerprint }) => {
      shown(fingerprint)
      void lab.attempts.approve(userCode, { profile: null, approvedBy: 'ops' })
    },
  })
}
