import { spawn } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { aNonce, onboardLab, openAdmin } from '../../test/support/onboarding.ts'
import { callAdmin } from './client.ts'
import { askAdmin } from './replies.ts'
import { refuseSecondGateway } from './server.ts'
import { adminSocketPath } from './socket.ts'

describe('startAdminServer()', () => {
  it('opens a socket for this user alone and takes the file away at the end', async () => {
    const { stateDir, server } = await aGateway()
    const path = adminSocketPath(stateDir)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await server[Symbol.asyncDispose]()
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  it('replaces the socket a killed gateway left', async () => {
    const { lab, stateDir, server } = await aGateway()
    await server[Symbol.asyncDispose]()
    const path = adminSocketPath(stateDir)
    const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await new Promise((resolve) => spawn(process.execPath, ['-e', code]).once('close', resolve))
    expect(lstatSync(path).isSocket()).toBe(true)
    const again = await openAdmin(lab)
    onTestFinished(() => again[Symbol.asyncDispose]())
    expect(await callAdmin({ stateDir, method: 'GET', path: '/status' })).toMatchObject({ revision: 'r1' })
  })

  it('refuses to start beside a gateway that answers, or over a file that is no socket', async () => {
    const { lab, stateDir, server } = await aGateway()
    await expect(openAdmin(lab)).rejects.toThrow('another gateway runs')
    await expect(refuseSecondGateway(adminSocketPath(stateDir))).rejects.toThrow('another gateway runs')
    expect(await callAdmin({ stateDir, method: 'GET', path: '/status' })).toMatchObject({ revision: 'r1' })
    await server[Symbol.asyncDispose]()
    await refuseSecondGateway(adminSocketPath(stateDir))
    writeFileSync(adminSocketPath(stateDir), 'mine')
    await refuseSecondGateway(adminSocketPath(stateDir))
    await expect(openAdmin(lab)).rejects.toThrow('it is no socket')
    await expect(openAdmin(lab, join('/tmp', 'x'.repeat(120)))).rejects.toThrow('too long for a socket')
  })

  // only root can become another user
  it.runIf(process.getuid?.() === 0)('cannot be opened by another user', async () => {
    const { lab, stateDir } = await aGateway()
    // as wide as the directories may be, the socket itself refuses
    for (const dir of [lab.dir, stateDir]) chmodSync(dir, 0o755)
    const path = adminSocketPath(stateDir)
    const code = `require('net').connect(${JSON.stringify(path)}).on('error', (e) => console.log(e.code)).on('connect', () => { console.log('open'); process.exit() })`
    const child = spawn(process.execPath, ['-e', code], { uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await new Promise((resolve) => child.once('close', resolve))
    expect(said).toBe('EACCES\n')
  })
})

describe("the operators' commands", () => {
  it('approve a join by its code', async () => {
    const { lab, stateDir } = await aGateway()
    const start = aJoin(lab, '192.0.2.7')
    const { joins, ca_fingerprint } = await askAdmin('joins', { stateDir, method: 'GET', path: '/joins' })
    expect([joins, ca_fingerprint]).toEqual([
      [expect.objectContaining({ userCode: start, hostname: 'laptop', source: '192.0.2.7', state: 'pending' })],
      lab.fingerprint,
    ])
    const path = `/joins/${start}/approve`
    const body = { profile: 'coder', by: 'ops' }
    const approved = await askAdmin('approved', { stateDir, method: 'POST', path, body })
    expect(approved).toMatchObject({
      already: false,
      profile: 'coder',
      enrolment: { name: 'laptop', address4: '10.55.0.2' },
      ca_fingerprint: lab.fingerprint,
    })
    expect(await askAdmin('approved', { stateDir, method: 'POST', path, body })).toMatchObject({ already: true })
    const { devices } = await askAdmin('devices', { stateDir, method: 'GET', path: '/devices' })
    expect(devices).toMatchObject([
      { name: 'laptop', profile: 'coder', approvedBy: 'ops', blocked: false, peers: [{ address4: '10.55.0.2' }] },
    ])
  })

  it('deny a join', async () => {
    const { lab, stateDir } = await aGateway()
    const path = `/joins/${aJoin(lab)}/deny`
    expect(await askAdmin('denied', { stateDir, method: 'POST', path })).toMatchObject({ join: { state: 'denied' } })
  })

  it('show, block, unblock, reassign and delete a device by name or id', async () => {
    const { lab, stateDir } = await aGateway()
    const { device } = await aDevice(lab, 'laptop')
    const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) =>
      callAdmin(body === undefined ? { stateDir, method, path } : { stateDir, method, path, body })
    expect(await call('GET', '/devices/laptop')).toMatchObject({ id: device, blocked: false })
    expect(await call('POST', `/devices/${device}/block`)).toMatchObject({ blocked: true })
    expect(lab.transport.table.size).toBe(0)
    expect(await call('POST', '/devices/laptop/unblock')).toMatchObject({ blocked: false })
    expect(await call('POST', '/devices/laptop/profile', { profile: 'coder' })).toMatchObject({ profile: 'coder' })
    expect(await call('POST', '/devices/laptop/profile', { profile: null })).toMatchObject({ profile: null })
    await expect(call('POST', '/devices/laptop/profile', { profile: 'root' })).rejects.toThrow('Unknown profile "root"')
    expect(await call('GET', '/devices/laptop')).toMatchObject({ pin: null, pinMode: 'off' })
    expect(await call('POST', '/devices/laptop/pin', { mode: 'warn' })).toMatchObject({ pin: 'warn', pinMode: 'warn' })
    expect(await call('POST', '/devices/laptop/pin', { mode: null })).toMatchObject({ pin: null, pinMode: 'off' })
    for (const body of [{ mode: 'on' }, {}, { mode: 'off', more: 1 }])
      await expect(call('POST', '/devices/laptop/pin', body)).rejects.toThrow('malformed command')
    expect(await call('DELETE', '/devices/laptop')).toEqual({ id: device, name: 'laptop' })
    expect(lab.devices.list()).toEqual([])
  })

  it('ask for the id where two devices have one name', async () => {
    const { lab, stateDir } = await aGateway()
    const one = await aDevice(lab, 'laptop')
    const two = await aDevice(lab, 'laptop')
    await expect(callAdmin({ stateDir, method: 'DELETE', path: '/devices/laptop' })).rejects.toMatchObject({
      message: '2 devices are called "laptop"',
      hint: `name one by its id: ${one.device}, ${two.device}`,
    })
    expect(lab.devices.list()).toHaveLength(2)
  })

  it.each([
    ['POST', '/joins/ABCD-2345/approve', { profile: null, by: 'ops' }, 'No join attempt has the code "ABCD-2345"'],
    ['POST', '/joins/ABCD-2345/deny', undefined, 'No join attempt has the code "ABCD-2345"'],
    ['POST', '/joins/ABCD-2345/approve', { profile: null }, 'malformed command'],
    ['POST', '/joins/ABCD-2345/approve', undefined, 'malformed command'],
    ['POST', '/reload', { by: '' }, 'malformed command'],
    ['POST', '/reload', { by: 'ops', more: 1 }, 'malformed command'],
    ['POST', '/rollback', { revision: '../x', by: 'ops' }, 'malformed command'],
    ['POST', '/rollback', { revision: 'a'.repeat(64) }, 'malformed command'],
    ['GET', '/devices/nobody', undefined, 'No device is called "nobody"'],
    ['GET', '/nothing', undefined, 'no such command'],
  ] as const)('refuse %s %s %j in one sentence', async (method, path, body, message) => {
    const { stateDir } = await aGateway()
    const call = body === undefined ? { stateDir, method, path } : { stateDir, method, path, body }
    await expect(callAdmin(call)).rejects.toMatchObject({
      code: 'CP_ONBOARD',
      message: expect.stringContaining(message),
    })
  })

  it('reload with or without a name, and announce what is put back', async () => {
    const { stateDir } = await aGateway()
    const call = { stateDir, method: 'POST', path: '/reload' } as const
    expect(await askAdmin('reloaded', call)).toMatchObject({ isApplied: true })
    expect(await askAdmin('reloaded', { ...call, body: { by: 'ops' } })).toMatchObject({ isApplied: true })
    const body = { revision: 'ab'.repeat(32), by: 'ops' }
    expect(await askAdmin('expected', { ...call, path: '/rollback', body })).toEqual({ revision: body.revision })
  })

  it('say that no gateway runs', async () => {
    const { stateDir, server } = await aGateway()
    await server[Symbol.asyncDispose]()
    const call = { stateDir, method: 'GET', path: '/status' } as const
    await expect(callAdmin(call)).rejects.toThrow('No gateway runs with the state directory of')
    mkdirSync(adminSocketPath(stateDir))
    await expect(callAdmin(call)).rejects.toMatchObject({ code: 'CP_ONBOARD' })
    rmSync(adminSocketPath(stateDir), { recursive: true })
  })

  it('are not for web pages: a request that names another host is refused', async () => {
    const { stateDir } = await aGateway()
    const status = await new Promise((resolve) => {
      const headers = { host: 'evil.example' }
      request({ socketPath: adminSocketPath(stateDir), path: '/status', headers }, ({ statusCode }) =>
        resolve(statusCode),
      ).end()
    })
    expect(status).toBe(403)
  })
})

async function aGateway() {
  const lab = onboardLab()
  const server = await openAdmin(lab)
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await lab[Symbol.asyncDispose]()
  })
  return { lab, server, stateDir: join(lab.dir, 'state') }
}

function aJoin(lab: ReturnType<typeof onboardLab>, source = '127.0.0.1'): string {
  const request = {
    hostname: 'laptop',
    nonceHash: aNonce().hash,
    suggestedProfile: null,
    transport: { kind: 'wireguard', publicKey: newKeyPair().publicKey, isWholeMachine: false } as const,
    isWholeMachine: false,
  }
  return lab.attempts.start(request, { source, reach: 'direct', device: null })?.user_code ?? ''
}

async function aDevice(lab: ReturnType<typeof onboardLab>, name: string) {
  const { publicKey } = newKeyPair()
  const transport = { kind: 'wireguard', publicKey, isWholeMachine: false } as const
  const source = '192.0.2.7'
  const request = { name, profile: null, approvedBy: 'ops', transport, rejoinOf: null, source }
  return (await lab.registry.enrol(request)).enrolment
}
