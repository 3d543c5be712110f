import { describe, expect, it, onTestFinished } from 'vitest'
import { joinedDevice } from '../../test/support/joining.ts'
import {
  aNode,
  aNonce,
  aPersonsNode,
  directly,
  fromNode,
  type OnboardLab,
  onboardLab,
  throughFunnel,
} from '../../test/support/onboarding.ts'
import type { OnboardApp } from './env.ts'
import type { RequestOrigin } from './ports.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']

const joining = ['/api/onboard/start', '/api/onboard/poll', '/api/onboard/claim']
const own = ['/info', '/ca.crt']
const operating = ['/api/onboard/lookup', '/api/onboard/approve', '/api/onboard/deny']
const devices = [
  '/api/sessions',
  '/api/sessions/x',
  '/api/env-pushdown',
  '/api/peer/self',
  '/api/peer/tsnet/register',
  '/api/peer/tsnet/rotate-key',
]
const hooks = ['/api/cred/slack', '/api/cred/slack/events', '/api/hitl/operations/x/status']
const nowhere = [
  '/',
  '/nothing',
  '/api',
  '/api/cred',
  '/api/onboard',
  '/api/onboard/startx',
  '/api/hitl/operations/x',
  '/api/hitl/operations/x/y/status',
  '/api/hitl/operations//status',
  '/metrics',
  '/debug/pprof',
  '/dashboard',
  '/__login',
  '/.env',
]
const paths = [...joining, ...own, ...operating, ...devices, ...hooks, ...nowhere]

/** Other spellings of a path; those with dots never get as far: the listener turns them away. */
const spellings: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
  (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
  (path) => path.replaceAll('/', '%5c').replace('%5c', '/'),
  (path) => path.replaceAll('/', '//'),
  (path) => `${path};x`,
  (path) => `${path}%00`,
  (path) => `${path}%2e`,
  (path) => `${path}%20`,
  (path) => `${path}/..%2fstart`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/a/g, '%61'),
  (path) => path.replace(/o/g, '\u043e'),
]

describe('through Funnel', () => {
  it('only joining answers; everything else is one and the same 404, whatever the method', async () => {
    const lab = await aLab()
    const answers = await answersOf(lab.funnelApp, throughFunnel('192.0.2.7'), paths)
    expect(known(answers)).toEqual(joining)
    for (const path of joining) {
      expect(answers.get(`POST ${path}`)?.status).toBe(path === '/api/onboard/poll' ? 200 : 400)
      for (const method of methods.filter((method) => method !== 'POST')) {
        const { status, allow } = answers.get(`${method} ${path}`) ?? {}
        expect([status, allow]).toEqual([405, 'POST'])
      }
    }
    expect(bodiesOf404(answers)).toHaveLength(1)
  })

  it('no other spelling of any path leads anywhere', async () => {
    const lab = await aLab()
    const answers = await answersOf(lab.funnelApp, throughFunnel('192.0.2.7'), spelled(paths))
    expect(known(answers)).toEqual([])
    expect(bodiesOf404(answers)).toHaveLength(1)
  })

  it('a device is nobody, even with its token', async () => {
    const lab = await aLab()
    const { token } = await joinedDevice(lab)
    const answers = await answersOf(lab.funnelApp, throughFunnel('192.0.2.7'), [...devices, ...operating], token)
    expect(known(answers)).toEqual([])
  })

  it('the app serves nobody who came another way, and the other app nobody who came this way', async () => {
    const lab = await aLab()
    for (const origin of [directly('192.0.2.7'), fromNode(aPersonsNode(1))])
      expect(known(await answersOf(lab.funnelApp, origin, paths))).toEqual([])
    expect(known(await answersOf(lab.app, throughFunnel('192.0.2.7'), paths))).toEqual([])
  })

  it('limits are those of the real source, and the same as on the other ways in', async () => {
    const lab = await aLab()
    const start = (app: OnboardApp, origin: RequestOrigin, forwarded = '203.0.113.1') =>
      app.request('/api/onboard/start', { method: 'POST', headers: { 'x-forwarded-for': forwarded } }, origin)
    for (let count = 0; count < 10; count++)
      expect((await start(lab.funnelApp, throughFunnel('192.0.2.9'), `203.0.113.${count}`)).status).toBe(400)
    const refused = await start(lab.funnelApp, throughFunnel('192.0.2.9'), '203.0.113.77')
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect((await start(lab.app, directly('192.0.2.9'))).status).toBe(429)
    expect((await start(lab.funnelApp, throughFunnel('192.0.2.10'))).status).toBe(400)
  })

  it('joins take at most eighty places, and leave the others to who comes another way', async () => {
    const lab = await aLab()
    const body = JSON.stringify({ hostname: 'x', transport: 'tailscale', client_nonce_hash: aNonce().hash })
    const start = (app: OnboardApp, origin: RequestOrigin) =>
      app.request(
        '/api/onboard/start',
        { method: 'POST', headers: { 'content-type': 'application/json' }, body },
        origin,
      )
    for (let count = 0; count < 80; count++)
      expect((await start(lab.funnelApp, throughFunnel(`198.51.100.${count}`))).status).toBe(200)
    const full = await start(lab.funnelApp, throughFunnel('203.0.113.1'))
    expect([full.status, full.headers.get('retry-after')]).toEqual([429, '60'])
    for (let count = 0; count < 20; count++)
      expect((await start(lab.app, directly(`198.51.100.${count + 100}`))).status).toBe(200)
    expect((await start(lab.app, directly('198.51.100.200'))).status).toBe(429)
  })

  it('a request is no longer than 64 KiB', async () => {
    const lab = await aLab()
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify({ hostname: 'x'.repeat(70_000) }) }
    expect((await lab.funnelApp.request('/api/onboard/start', init, throughFunnel('192.0.2.7'))).status).toBe(413)
  })

  it('every answer carries the security headers', async () => {
    const lab = await aLab()
    for (const path of [...joining, ...own, '/nothing']) {
      const { headers } = await lab.funnelApp.request(path, { method: 'POST' }, throughFunnel('192.0.2.7'))
      expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })
})

describe('what exists for whom', () => {
  const bound = aNode(1)
  it.each([
    ['over the own port', directly('192.0.2.7'), [...joining, ...own, ...devices]],
    ['from inside WireGuard', directly('10.55.0.9'), devices],
    ['for a node of an operator', fromNode(aPersonsNode(2)), [...joining, ...own, ...operating, ...devices]],
    [
      'for a node of somebody',
      fromNode(aPersonsNode(3, 'eve@example.com')),
      [...joining, ...own, ...operating, ...devices],
    ],
    ['for a new tagged node', fromNode(aNode(4)), [...joining, ...own, ...operating, ...devices]],
    ['for a node of a device', fromNode(bound), devices],
    [
      'for a node of a device that says it is an operator',
      fromNode({ ...bound, user: 'ops@example.com', tags: [] }),
      devices,
    ],
    ['from a tailnet that vouches for nobody', { source: '100.64.1.9', reach: 'tailnet', node: null }, []],
  ] as const)('%s', async (_what, origin, expected) => {
    const lab = await aLab()
    const { device } = await joinedDevice(lab)
    lab.tailnet.runs.bindRun(device, bound, null)
    const answers = await answersOf(lab.app, origin, paths)
    expect(known(answers).sort()).toEqual([...expected].sort())
    expect(bodiesOf404(answers)).toHaveLength(1)
    expect(known(await answersOf(lab.app, origin, spelled([...joining, ...operating])))).toEqual([])
  })

  it('nothing of the tailnet exists where there is none', async () => {
    const lab = onboardLab()
    onTestFinished(() => lab[Symbol.asyncDispose]())
    expect(known(await answersOf(lab.app, fromNode(aPersonsNode(1)), paths))).toEqual([])
  })
})

interface Answer {
  readonly status: number
  readonly allow: string | null
  readonly whole: string
}

/** What each method of each path is answered with. */
async function answersOf(
  app: OnboardApp,
  origin: RequestOrigin,
  asked: readonly string[],
  token = 'a'.repeat(43),
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>()
  for (const path of asked) {
    for (const method of methods) {
      const headers = { authorization: `Bearer ${token}` }
      const reply = await app.request(`http://gate.example${path}`, { method, headers }, origin)
      const text = method === 'HEAD' ? '404 not found\n' : await reply.text()
      const whole = JSON.stringify([reply.status, text, [...reply.headers]])
      answers.set(`${method} ${path}`, { status: reply.status, allow: reply.headers.get('allow'), whole })
    }
  }
  return answers
}

/** Paths that any method finds something under. */
function known(answers: ReadonlyMap<string, Answer>): string[] {
  const found = [...answers].filter(([, { status }]) => status !== 404)
  return [...new Set(found.map(([asked]) => asked.slice(asked.indexOf(' ') + 1)))]
}

function bodiesOf404(answers: ReadonlyMap<string, Answer>): string[] {
  return [...new Set([...answers.values()].filter(({ status }) => status === 404).map(({ whole }) => whole))]
}

/** Every other spelling; those that come out as a path itself are left out. */
function spelled(all: readonly string[]): string[] {
  const longer = all.filter((path) => path !== '/')
  return longer.flatMap((path) => spellings.map((spell) => spell(path))).filter((path) => !paths.includes(path))
}

async function aLab(): Promise<OnboardLab> {
  const lab = onboardLab({ transports: ['wireguard', 'tailscale'] })
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}
