import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminHost, adminSocketPath } from '../../gateway/admin/socket.ts'
import { identityFiles } from '../../onboard/client/identity.ts'
import { fastestPollMs, type PendingJoin } from '../../onboard/server/attempts.ts'
import { expectOk } from '../support/device.ts'
import { aNonce } from '../support/onboarding.ts'
import { clawpatrol } from '../support/program.ts'
import { controlBuildMs } from './control.ts'
import { certificateFor, type FunnelTo, knowing, openFunnel, portalTo, throughFunnel } from './funnel.ts'
import { type GatewayLab, startGatewayLab } from './gateway-lab.ts'
import { startNode } from './node.ts'
import { askSocket } from './socket-json.ts'

const gateway = 'gateway.tail.test'

describe('joining from the internet, through Funnel', () => {
  let lab: GatewayLab
  let funnel: FunnelTo
  let certificate: ReturnType<typeof certificateFor>
  /** What came of a join by hand. */
  let device: { readonly [field: string]: string }

  beforeAll(async () => {
    lab = await startGatewayLab({
      machines: ['laptop', 'relay'],
      gatewayLines: [`public_url = "https://${gateway}"`],
      tailscaleLines: ['funnel = true'],
      prepare: (dir) => {
        certificate = certificateFor(dir, gateway)
        return certificate.gatewayEnv
      },
    })
    const { key: authKey } = await lab.control.mint()
    const relay = await startNode(lab.control, { within: lab.lab.machine('relay').within, hostname: 'relay', authKey })
    funnel = { relay, gateway, authority: certificate.authority }
    const { own, started } = await begin('198.51.100.1:1')
    expectOk(await lab.operator(['device', 'approve', started.user_code ?? '']))
    device = (await post('/api/onboard/poll', own, '198.51.100.1:1')).json
  }, controlBuildMs)
  afterAll(async () => {
    await funnel?.relay[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  it('gives everything once to whom the operator approves', async () => {
    const socket = join(lab.dir, 'internet.sock')
    await using _internet = await openFunnel(funnel, '203.0.113.9:50000', socket)
    const { machine, env } = lab.machine('laptop')
    await using portal = machine.start(portalTo(socket))
    await portal.saw(/listening/)
    const command = `'${process.execPath}' '${clawpatrol}' join https://${gateway} --no-trust --hostname laptop`
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: certificate.authority.caFile }
    await using joining = machine.start(knowing(gateway, lab.dir, ['script', '-qfec', command, '/dev/null']), trusting)
    const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
    await joining.saw(/vouches for the gateway's address/)
    const { joins, fingerprint } = await pending()
    expect(joins).toMatchObject([
      { userCode: code, hostname: 'laptop', source: '203.0.113.9', transport: 'tailscale', state: 'pending' },
    ])
    const shown = joining.output()
    expect(shown).toContain(`https://${gateway}/#/onboard/${code}`)
    expect(shown).toContain(`CA fingerprint ${fingerprint}`)
    // the QR code of that page
    expect(shown).toMatch(/[▀▄█]{20}/)
    expectOk(await lab.operator(['device', 'approve', code]))
    const { stdout } = expectOk(await joining.finished)
    expect(stdout).toContain(`joined https://${gateway} as laptop`)
    expect(stdout).toContain('a node of this machine reaches the gateway through the tailnet')

    const dir = env.CLAWPATROL_DIR ?? ''
    const text = (name: keyof typeof identityFiles) => readFileSync(join(dir, identityFiles[name]), 'utf8').trim()
    const ca = text('ca')
    expect(new X509Certificate(ca).fingerprint256).toBe(fingerprint)
    expect(JSON.parse(text('config'))).toMatchObject({
      mode: 'tailscale',
      tls: 'system',
      gateway: `https://${gateway}`,
      ca_fingerprint: fingerprint,
      tailnet: { control_url: lab.control.controlUrl },
    })
    expect(text('authKey')).toMatch(/^tskey-/)
    for (const secret of [text('authKey'), text('token')]) {
      expect(stdout).not.toContain(secret)
      expect(lab.gateway.output()).not.toContain(secret)
    }
    const mode = (name: string) => statSync(join(dir, name)).mode & 0o777
    expect(['', 'config.json', 'tsnet-auth-key', 'api-token'].map(mode)).toEqual([0o700, 0o600, 0o600, 0o600])
    expect(existsSync(join(dir, identityFiles.wireguard))).toBe(false)
    const written = (name: string) => statSync(join(dir, name), { bigint: true }).mtimeNs
    const delivered = readdirSync(dir).filter((name) => name !== identityFiles.bundle)
    expect(delivered.toSorted((one, other) => Number(written(other) - written(one)))[0]).toBe(identityFiles.ca)
  }, 30_000)

  it('delivers to the nonce alone, and never again after the claim', async () => {
    const source = '198.51.100.99:4444'
    const { own, started } = await begin(source, [
      'x-forwarded-for: 192.0.2.99',
      'x-real-ip: 192.0.2.99',
      'forwarded: for=192.0.2.99',
      'tailscale-ingress-src: 192.0.2.99:1',
      'tailscale-user-login: owner@example.com',
    ])
    const { device_code, user_code, ca_fingerprint } = started
    const { joins, fingerprint } = await pending()
    expect(ca_fingerprint).toBe(fingerprint)
    expect(joins.find(({ userCode }) => userCode === user_code)).toMatchObject({ source: '198.51.100.99' })
    const stolen = { device_code, nonce: aNonce('thief').nonce }
    const polling = post('/api/onboard/poll', { ...own, wait_s: 20 }, source)
    expect((await post('/api/onboard/poll', stolen, source)).json).toEqual({ error: 'expired_token' })
    expectOk(await lab.operator(['device', 'approve', user_code ?? '']))
    const delivered = await polling
    expect(delivered.json).toMatchObject({
      login_server: '',
      device_name: 'by-hand',
      auth_key: expect.stringMatching(/^tskey-/),
      api_token: expect.stringMatching(/^cpt_/),
    })
    expect(new X509Certificate(delivered.json.ca_pem ?? '').fingerprint256).toBe(fingerprint)
    const polledAt = performance.now()
    expect((await post('/api/onboard/claim', stolen, source)).status).toBe(404)
    expect((await post('/api/onboard/claim', own, source)).status).toBe(200)
    // who asks sooner is only told to slow down
    await wait(polledAt + fastestPollMs + 50 - performance.now())
    expect((await post('/api/onboard/poll', own, source)).json).toEqual({ error: 'already_claimed' })
    expect((await post('/api/onboard/poll', stolen, source)).json).toEqual({ error: 'expired_token' })
    expect((await post('/api/onboard/claim', own, source)).status).toBe(409)
  })

  it.each([
    ['GET /'],
    ['POST /'],
    ['GET /info'],
    ['HEAD /info'],
    ['GET /ca.crt'],
    ['GET /api/peer/self'],
    ['POST /api/peer/tsnet/register'],
    ['POST /api/peer/tsnet/rotate-key'],
    ['DELETE /api/sessions/0b7c4b62-5b36-4a3e-8a4f-6a2f3f1a9c11'],
    ['POST /api/sessions'],
    ['GET /api/env-pushdown'],
    ['GET /api/onboard/lookup?code=ABCD-2345'],
    ['POST /api/onboard/approve?code=ABCD-2345'],
    ['POST /api/onboard/deny?code=ABCD-2345'],
    ['GET /api/cred/anything/callback'],
    ['GET /api/hitl/operations/1/status'],
    ['GET /joins'],
    ['POST /api/onboard/start/'],
    ['POST //api/onboard/start'],
    ['POST /api//onboard/start'],
    ['POST /api/./onboard/start'],
    ['POST /api/x/../onboard/start'],
    ['POST /api/onboard/%73tart'],
    ['POST /api%2fonboard%2fstart'],
    ['POST /%2e/api/onboard/start'],
    ['GET /api/onboard/start/%2e%2e/%2e%2e/peer/self'],
    ['POST /API/onboard/start'],
    ['POST /api/onboard/start;x'],
    ['POST /api\\onboard\\start'],
    [`POST http://${gateway}/api/onboard/start`],
    ['GET http://clawpatrol-admin/joins'],
    ['OPTIONS *'],
  ])('shows nothing at %s, not even to a device', async (line) => {
    const headers = [`authorization: Bearer ${device.api_token}`]
    const nothing = line.startsWith('HEAD') ? 'HEAD /nothing' : 'GET /nothing'
    const [expected, found] = await Promise.all([ask(nothing), ask(line, { headers })])
    expect(expected).toMatch(/^HTTP\/1.1 404 /)
    expect(found).toBe(expected)
  })

  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('takes nothing but POST where one can join, not %s', async (method) => {
    for (const path of ['start', 'poll', 'claim']) {
      const answer = await ask(`${method} /api/onboard/${path}`)
      expect(answer).toMatch(/^HTTP\/1.1 405 .*\r\n(?:.*\r\n)*allow: POST\r\n/i)
    }
  })

  it.each([
    ['a tunnel', `CONNECT ${gateway}:443 HTTP/1.1\r\nhost: ${gateway}\r\n\r\n`],
    ['another protocol', `GET /info HTTP/1.1\r\nhost: g\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`],
  ])('closes on who wants %s', async (_what, bytes) => {
    expect(await throughFunnel(funnel, '198.51.100.1:1', bytes)).toBe('')
  })

  it('limits each source by itself, an IPv6 network as one', async () => {
    const starts = async (source: string, count: number) => {
      const one = (last: boolean) => {
        const said = JSON.stringify({ hostname: 'many', client_nonce_hash: aNonce().hash })
        return request('POST /api/onboard/start', { said, last, headers: [`x-forwarded-for: 192.0.2.${count}`] })
      }
      const all = Array.from({ length: count }, (_, index) => one(index === count - 1)).join('')
      const answer = await throughFunnel(funnel, source, all)
      return [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    }
    const ten = Array<number>(10).fill(200)
    expect(await starts('192.0.2.1:1000', 11)).toEqual([...ten, 429])
    expect(await starts('192.0.2.1:1001', 1)).toEqual([429])
    expect(await starts('192.0.2.2:1000', 1)).toEqual([200])
    expect(await starts('[2001:db8:1:1::1]:1000', 10)).toEqual(ten)
    expect(await starts('[2001:db8:1:1:ffff::2]:1000', 1)).toEqual([429])
    expect(await starts('[2001:db8:1:2::1]:1000', 1)).toEqual([200])
  })

  /** What waits for an operator, and the CA he compares with. */
  async function pending() {
    const socketPath = adminSocketPath(join(lab.dir, 'state'))
    const { body } = await askSocket({ socketPath, method: 'GET', path: '/joins', headers: { host: adminHost } })
    const { joins, ca_fingerprint } = body as { joins: readonly PendingJoin[]; ca_fingerprint: string }
    return { joins: joins.filter(({ state }) => state === 'pending'), fingerprint: ca_fingerprint }
  }

  interface Saying {
    readonly said?: string
    readonly headers?: readonly string[]
    /** The gateway is to close after it; so unless said. */
    readonly last?: boolean
  }

  function request(line: string, { said = '{}', headers = [], last = true }: Saying = {}): string {
    const lines = [
      `${line} HTTP/1.1`,
      `host: ${gateway}`,
      ...(last ? ['connection: close'] : []),
      'content-type: application/json',
      `content-length: ${said.length}`,
      ...headers,
    ]
    return `${lines.join('\r\n')}\r\n\r\n${said}`
  }

  /** A whole answer, but for its date. */
  async function ask(line: string, saying: Saying = {}): Promise<string> {
    const answer = await throughFunnel(funnel, '198.51.100.1:1', request(line, saying))
    return answer.replace(/\r\ndate: .*/i, '')
  }

  /** Asks to join by hand. */
  async function begin(source: string, headers: readonly string[] = []) {
    const { nonce, hash } = aNonce()
    const said = { hostname: 'by-hand', client_nonce_hash: hash }
    const { json } = await post('/api/onboard/start', said, source, headers)
    return { own: { device_code: json.device_code, nonce }, started: json }
  }

  async function post(path: string, body: object, source: string, headers: readonly string[] = []) {
    const answer = await throughFunnel(funnel, source, request(`POST ${path}`, { said: JSON.stringify(body), headers }))
    const [head = '', text = ''] = answer.split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), json: JSON.parse(text) as Record<string, string> }
  }
})
