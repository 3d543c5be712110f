import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Control, controlBuildMs, startControl } from './control.ts'
import { duplexOf } from './duplex.ts'
import { type TailnetLab, tailnetLab } from './lab.ts'
import { mayIsolate } from './namespace.ts'
import { type PlainNode, type PlainNodeOptions, startNode } from './node.ts'

if (!mayIsolate()) process.stderr.write('NOT TESTED: plain nodes in a lab: needs root and ip, nsenter, unshare\n')

describe.runIf(mayIsolate())('plain nodes in a lab', () => {
  let lab: TailnetLab
  let control: Control

  beforeAll(async () => {
    lab = await tailnetLab([
      'laptop',
      'server',
      { name: 'train', quality: { loss: 0.01, reorder: 0.05 }, pathMtu: 1280 },
    ])
    control = await startControl({ within: lab.world.within, listen: lab.world.address, autoApprove: false })
  }, controlBuildMs)

  afterAll(async () => {
    await control?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const join_ = async (hostname: string, machine = 'laptop', more: Partial<PlainNodeOptions> = {}) =>
    startNode(control, {
      within: lab.machine(machine).within,
      hostname,
      authKey: (await control.mint({ ephemeral: true })).key,
      ...more,
    })

  describe('an exit node', () => {
    const internet = '203.0.113.10'
    const internet6 = '2001:db8::10'
    let exit: PlainNode
    let peer: PlainNode

    beforeAll(async () => {
      const echo = fileURLToPath(new URL('echo.mjs', import.meta.url))
      for (const address of [internet, internet6])
        await lab.world.start([process.execPath, echo, address, '7']).saw(/echo on/)
      exit = await startNode(control, {
        within: lab.world.within,
        hostname: 'exit',
        authKey: (await control.mint({ tags: ['tag:gateway'] })).key,
        advertise: ['0.0.0.0/0', '::/0'],
      })
      peer = await join_('peer', 'server')
    })

    afterAll(async () => {
      await peer?.[Symbol.asyncDispose]()
      await exit?.[Symbol.asyncDispose]()
    })

    const echoed = async (network: 'tcp' | 'udp', to: string) => {
      const stream = await peer.open(network, to, 5000)
      await stream.write(`through ${network}`)
      const read = await stream.read(1000).catch((error: Error) => error.message)
      await stream.close()
      return read.toString()
    }

    it('is none before its routes are approved, and one after', async () => {
      const both = ['0.0.0.0/0', '::/0']
      expect(await control.node('advertised', ({ advertisedRoutes }) => advertisedRoutes.length === 2)).toMatchObject({
        id: exit.id,
        advertisedRoutes: both,
        enabledRoutes: [],
      })
      await expect(peer.useExitNode(exit.addresses[0] ?? '', 500)).rejects.toThrow('is not offered')
      await control.change(exit.id, { approvedRoutes: both })
      await peer.useExitNode(exit.addresses[0] ?? '')
      expect(await echoed('tcp', `${internet}:7`)).toBe('through tcp')
      expect(await echoed('udp', `${internet}:7`)).toBe('through udp')
      expect(await echoed('tcp', `[${internet6}]:7`)).toBe('through tcp')
      expect(await echoed('udp', `[${internet6}]:7`)).toBe('through udp')
    })

    it('is reached only as far as its packet filter allows', async () => {
      await control.change(exit.id, { filter: 'tcp' })
      await expect.poll(() => echoed('udp', `${internet}:7`), { timeout: 5000 }).not.toBe('through udp')
      expect(await echoed('tcp', `${internet}:7`)).toBe('through tcp')
      await control.change(exit.id, { filter: 'all' })
      await expect.poll(() => echoed('udp', `${internet}:7`), { timeout: 5000 }).toBe('through udp')
    })

    it('lets others through but not in when only the internet is allowed', async () => {
      await exit.listen(7)
      const own = `${exit.addresses[0]}:7`
      expect(await echoed('tcp', own)).toBe('through tcp')
      await control.change(exit.id, { filter: 'internet' })
      const reach = (to: string) =>
        peer.open('tcp', to, 500).then(
          (stream) => stream.close().then(() => 'open'),
          () => 'closed',
        )
      await expect.poll(() => reach(own), { timeout: 5000 }).toBe('closed')
      expect(await reach(`${internet}:7`)).toBe('open')
      await control.change(exit.id, { filter: 'all' })
      await expect.poll(() => reach(own), { timeout: 5000 }).toBe('open')
    })

    it('is reached over a link that loses and reorders packets, where no more than 1280 bytes pass', async () => {
      await using rider = await join_('rider', 'train', { exitNode: exit.addresses[0] ?? '', innerMtu: 1200 })
      const stream = await rider.open('tcp', `${internet}:7`)
      const sent = randomBytes(1 << 20)
      const received: Buffer[] = []
      const reading = (async () => {
        for (let size = 0; size < sent.length; ) {
          const bytes = await stream.read()
          if (bytes.length === 0) break
          received.push(bytes)
          size += bytes.length
        }
      })()
      for (let at = 0; at < sent.length; at += 65_536) await stream.write(sent.subarray(at, at + 65_536))
      await reading
      expect(Buffer.concat(received).equals(sent)).toBe(true)
      const counts = await lab.machine('train').link?.counts()
      expect(counts?.lost).toBeGreaterThan(0)
      expect(counts?.reordered).toBeGreaterThan(0)
    })
  })

  it('brings connections in through Funnel where the node may use it', async () => {
    await using node = await join_('funnel')
    await using ingress = await join_('ingress')
    await control.change(node.id, { funnel: false })
    await expect.poll(() => node.listenFunnel(8443).then(() => 'listens', String)).toMatch(/[Ff]unnel/)
    await control.change(node.id, { funnel: true })
    await expect.poll(() => node.listenFunnel(443).then(() => 'listens', String)).toBe('listens')
    const socket = duplexOf(await ingress.funnel(node.name, 443))
    const secure = connectTls({ socket, servername: node.name, rejectUnauthorized: false })
    secure.write('over the internet')
    expect(String((await once(secure, 'data'))[0])).toBe('over the internet')
    secure.destroy()
  })

  it('lets machines reach the world and nothing else', async () => {
    const { within, run } = lab.machine('laptop')
    const reach = async (url: string) => (await run(['curl', '-sS', '-m', '1', '-o', '/dev/null', url])).code
    expect(within([]).join(' ')).toContain('nsenter')
    expect(await reach(`${control.controlUrl}/key?v=1`)).toBe(0)
    for (const url of ['http://203.0.113.10:7', `http://${lab.machine('server').address}`, 'http://192.0.2.1'])
      expect(await reach(url)).not.toBe(0)
  })
})
