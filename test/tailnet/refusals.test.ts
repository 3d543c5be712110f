import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identityFiles } from '../../onboard/client/identity.ts'
import { expectOk } from '../support/device.ts'
import { until } from '../support/until.ts'
import { python } from './agent.ts'
import { type ControlNode, controlBuildMs } from './control.ts'
import { type GatewayLab, host, type Member, startGatewayLab } from './gateway-lab.ts'
import { type PlainNode, startNode } from './node.ts'
import { echo4, otherName, startWorldServers, type WorldServers, worldLines } from './world.ts'

const isRunOf =
  (name: string) =>
  ({ hostname }: ControlNode) =>
    hostname.startsWith(`${name}-run-`)

describe('what a gateway in a tailnet refuses', () => {
  let lab: GatewayLab
  let servers: WorldServers
  let laptop: Member
  let desktop: Member
  let gateway: string

  beforeAll(async () => {
    lab = await startGatewayLab({ machines: ['laptop', 'desktop', 'doomed', 'stranger'], gatewayLines: worldLines })
    servers = await startWorldServers(lab.lab.world)
    laptop = await lab.member('laptop')
    desktop = await lab.member('desktop')
    gateway = (await nodeOf('gateway')).addresses[0] ?? ''
  }, controlBuildMs)
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const nodeOf = (name: string) => lab.control.node(`${name} is there`, ({ hostname }) => hostname === name)
  const secretOf = (member: Member, file: 'token' | 'authKey') =>
    readFileSync(join(member.env.CLAWPATROL_DIR ?? '', identityFiles[file]), 'utf8').trim()

  async function stranger(authKey: string): Promise<PlainNode> {
    const { within } = lab.lab.machine('stranger')
    const node = await startNode(lab.control, { within, hostname: 'stranger', authKey, ephemeral: true })
    await node.useExitNode(gateway)
    return node
  }
  const tagged = async () => stranger((await lab.control.mint({ tags: ['tag:client'], ephemeral: true })).key)

  /** Asks the gateway's own port inside the tailnet. */
  async function ask(node: PlainNode, method: string, path: string, token: string | null, body = '{}') {
    const stream = await node.open('tcp', `${gateway}:8080`)
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `host: ${gateway}:8080`,
      'connection: close',
      'content-type: application/json',
      `content-length: ${body.length}`,
      ...(token === null ? [] : [`authorization: Bearer ${token}`]),
    ]
    await stream.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
    let text = ''
    for (;;) {
      const part = await stream.read(5000)
      if (part.length === 0) break
      text += part.toString()
    }
    return { status: Number(text.split(' ')[1]), text }
  }
  const register = (node: PlainNode, token: string | null) => ask(node, 'POST', '/api/peer/tsnet/register', token)

  it('moves no byte for a node that is in the tailnet and no device', async () => {
    await using witness = lab.lab.world.start([process.execPath, '-e', witnessProgram])
    await witness.saw(/listening/)
    await using node = await tagged()
    const attempt = async (network: 'tcp' | 'udp', to: string, bytes: string | Uint8Array) => {
      const stream = await node.open(network, to, 2000)
      await stream.write(bytes)
      return (await stream.read(2000)).toString()
    }
    const outcome = (work: Promise<string>) => work.catch(() => '')
    const outcomes = await Promise.all([
      outcome(attempt('tcp', '198.51.100.9:9', 'hello')),
      outcome(attempt('tcp', '198.51.100.9:443', 'hello')),
      outcome(attempt('udp', '198.51.100.9:9', 'hello')),
      outcome(attempt('udp', `${echo4}:7`, 'hello')),
      outcome(attempt('udp', '192.0.2.53:53', query(otherName))),
      outcome(attempt('udp', `${gateway}:53`, query(host))),
      outcome(attempt('tcp', '192.0.2.53:53', Buffer.concat([Buffer.of(0, query(host).length), query(host)]))),
    ])
    expect(outcomes).toEqual(['', '', '', '', '', '', ''])
    expect(witness.output()).toBe('listening\n')
    const status = JSON.parse(expectOk(await lab.operator(['status', '--gateway', '--json'])).stdout)
    expect(status.live).toEqual([])
    const refused = await until('its flows are on record', async () => {
      const found = (await lab.records()).filter(({ facts }) => (facts as { from?: string }).from === node.addresses[0])
      return found.length >= 4 && found
    })
    expect(new Set(refused.map(({ decision, deviceId, bytesUp }) => [decision, deviceId, bytesUp].join()))).toEqual(
      new Set(['deny,,0']),
    )
  })

  it('binds no node without a token, or without a tag of its own', async () => {
    await using node = await tagged()
    expect(await register(node, null)).toMatchObject({ status: 401 })
    expect(await register(node, 'x'.repeat(43))).toMatchObject({ status: 401 })
    await node.logout()
    await using owned = await stranger((await lab.control.mint({ user: 'somebody@example.com', ephemeral: true })).key)
    const answer = await register(owned, secretOf(laptop, 'token'))
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('this node has no tag of this gateway') })
  })

  it("takes another device's token from no node that is a device's", async () => {
    await using node = await tagged()
    expect(await register(node, secretOf(laptop, 'token'))).toMatchObject({ status: 200 })
    for (const [method, path] of [
      ['POST', '/api/peer/tsnet/register'],
      ['POST', '/api/peer/tsnet/rotate-key'],
      ['GET', '/api/peer/self'],
      ['DELETE', '/api/peer/self'],
    ] as const) {
      const answer = await ask(node, method, path, secretOf(desktop, 'token'))
      expect(answer).toMatchObject({
        status: 409,
        text: expect.stringContaining('this node belongs to another device'),
      })
    }
    // and to it, joining does not exist
    expect(await ask(node, 'POST', '/api/onboard/start', null)).toMatchObject({ status: 404 })
    expect(await ask(node, 'GET', '/info', null)).toMatchObject({ status: 404 })
  })

  it('takes a token from outside the tailnet for nothing', async () => {
    for (const [method, path] of [
      ['POST', '/api/peer/tsnet/register'],
      ['POST', '/api/peer/tsnet/rotate-key'],
      ['POST', '/api/sessions'],
      ['GET', '/api/peer/self'],
      ['GET', '/api/env-pushdown'],
      ['DELETE', '/api/peer/self'],
    ] as const) {
      const words = [
        '-sk',
        '-X',
        method,
        '-H',
        `authorization: Bearer ${secretOf(laptop, 'token')}`,
        '-w',
        ' %{http_code}',
      ]
      const sent = ['-H', 'content-type: application/json', '-d', '{}', `${lab.url}${path}`]
      const { stdout } = await laptop.machine.run(['curl', ...words, ...sent])
      expect(stdout).toBe('{"error":"devices of the tailnet ask through the tailnet"} 403')
    }
    expect((await laptop.run(['curl', '-sS', `https://${host}/x`])).code).toBe(0)
  })

  it('runs nothing on a blocked device, ends what runs, and lets it in again', async () => {
    await using live = desktop.startRun(python(chat))
    await live.saw(/1 hello/)
    expectOk(await lab.operator(['device', 'block', 'desktop']))
    expect((await live.finished).stdout).toMatch(/over\n$/)
    const marker = join(lab.dir, 'desktop-ran')
    const refused = await desktop.run(['touch', marker])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('The gateway has blocked this device')
    expect(refused.stderr).toContain('device unblock')
    expect(existsSync(marker)).toBe(false)
    expectOk(await lab.operator(['device', 'unblock', 'desktop']))
    expectOk(await desktop.run(['curl', '-sS', `https://${host}/x`]))
  })

  it('ends live flows of a deleted device within a second, its nodes and its key, and later runs say what to do', async () => {
    const doomed = await lab.member('doomed')
    const key = secretOf(doomed, 'authKey')
    await using live = doomed.startRun(python(chat))
    await live.saw(/1 hello/)
    const began = performance.now()
    const deleting = lab.operator(['device', 'delete', 'doomed'])
    await live.saw(/over/)
    const endedMs = performance.now() - began
    expectOk(await deleting)
    expect(endedMs).toBeLessThan(1000)
    await lab.control.gone('its nodes are gone', isRunOf('doomed'))
    await live.finished
    await until('the key is worthless', async () => {
      const tried = await stranger(key).catch((error: Error) => error)
      if (tried instanceof Error) return true
      await tried.logout()
      await tried[Symbol.asyncDispose]()
      return false
    })
    const marker = join(lab.dir, 'doomed-ran')
    const later = await doomed.run(['touch', marker])
    expect(later).toMatchObject({ code: 2, stdout: '' })
    expect(later.stderr).toContain("The tailnet refused this device's key")
    expect(later.stderr).toContain('clawpatrol join')
    expect(later.stderr).not.toContain(key)
    expect(existsSync(marker)).toBe(false)
    process.stderr.write(`from the delete command to the end of a live flow: ${Math.round(endedMs)} ms\n`)
  })
})

describe('a gateway whose exit node nobody approved', () => {
  it('says what to put into the ACL, runs nothing, and works once it is approved', {
    timeout: controlBuildMs,
  }, async () => {
    await using lab = await startGatewayLab({
      machines: ['laptop'],
      gatewayLines: worldLines,
      autoApprove: false,
      scopes: ['auth_keys', 'devices:core:read'],
    })
    expect(lab.gateway.output()).toContain('tailnet.routes_not_approved')
    const status = expectOk(await lab.operator(['status', '--gateway'])).stdout
    for (const each of ['autoApprovers', '"exitNode"', 'tag:gateway', '"tagOwners"']) expect(status).toContain(each)
    const laptop = await lab.member('laptop')
    const marker = join(lab.dir, 'ran')
    const refused = await laptop.run(['touch', marker])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/The gateway 100\.\S+ is not approved as an exit node/)
    expect(refused.stderr).toContain('"autoApprovers"')
    expect(existsSync(marker)).toBe(false)
    await lab.control.gone('it left no node', isRunOf('laptop'))
    const { id, advertisedRoutes } = await lab.control.node('it is there', ({ hostname }) => hostname === 'gateway')
    await lab.control.change(id, { approvedRoutes: advertisedRoutes })
    const { stdout } = expectOk(await laptop.run(['curl', '-sS', `https://${host}/x`]))
    expect(stdout).toContain('"isAuthorized":true')
  })
})

/** Exchanges a word ten times a second and says when that ends. */
const chat = `
with socket.create_connection(("${echo4}", 7), 5) as s:
  n = 0
  try:
    while True:
      s.sendall(b"hello"); n += 1
      got = s.recv(100)
      if not got: break
      say(n, got.decode()); time.sleep(0.1)
  except OSError: pass
say("over")`

/** Says of everything that reaches an address on two ports. */
const witnessProgram = `
const { createServer } = require('node:net')
const datagrams = require('node:dgram').createSocket('udp4')
datagrams.on('message', () => console.log('a datagram came'))
datagrams.bind(9, '198.51.100.9', () => {
  const serve = (port, then) => createServer(() => console.log('a connection came')).listen(port, '198.51.100.9', then)
  serve(9, () => serve(443, () => console.log('listening')))
})`

/** A DNS query for the IPv4 address of a name. */
function query(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
  return Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1])
}
