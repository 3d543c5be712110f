import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TailnetHandlers } from '../../gateway/tailnet/tailnet.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import { until } from '../support/until.ts'
import { type Control, controlBuildMs, startControl } from './control.ts'
import { adopt, endOf, listenOn, newGateway, openFds, removeDirs, temporaryDir } from './gateway-node.fixture.ts'
import { describeIsolated } from './isolated.ts'
import { type PlainNode, startNode } from './node.ts'

const handlers: TailnetHandlers = {
  flow: (flow) => flow.refuse(),
  datagrams: (datagrams) => datagrams.drop(),
  query: () => undefined,
}

describeIsolated('the life of the gateway as a node', import.meta.url, () => {
  const ended = new AbortController()
  let control: Control
  let peer: PlainNode

  beforeAll(async () => {
    control = await startControl()
    const { key } = await control.mint({})
    peer = await startNode(control, { hostname: 'peer', authKey: key })
  }, controlBuildMs)

  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]()
    await control?.[Symbol.asyncDispose]()
    removeDirs()
  })

  it('leaves nothing when it stops, and is the same node when it starts again', async () => {
    const stateDir = temporaryDir()
    const first = await newGateway(control, { hostname: 'again', stateDir })
    await first.start(handlers, ended.signal)
    const { stableId, addresses } = await first.status()
    await first[Symbol.asyncDispose]()
    const fds = openFds()
    const second = await newGateway(control, { hostname: 'again', stateDir, authKey: '' })
    await second.start(handlers, ended.signal)
    expect(await second.status()).toMatchObject({ stableId, addresses })
    const port = listenOn()
    await second.listen(8080, 'tailnet', port.accept)
    const stream = await peer.open('tcp', `${addresses[0]}:8080`)
    const { socket } = await port.next()
    const end = once(socket.resume(), 'end')
    await second[Symbol.asyncDispose]()
    await end
    socket.destroy()
    await stream.close()
    await until('its descriptors are closed', () => openFds() <= fds)
  })

  it('stops at once although the ends of hundreds of connections are under way', async () => {
    const full = await newGateway(control, { hostname: 'full' })
    await full.start(handlers, ended.signal)
    const { addresses } = await full.status()
    const streams = []
    for (const port of [8080, 8081]) {
      await full.listen(port, 'tailnet', ({ fd }) => adopt(fd).destroy())
      for (let batch = 0; batch < 8; batch++)
        streams.push(
          ...(await Promise.all(Array.from({ length: 50 }, () => peer.open('tcp', `${addresses[0]}:${port}`)))),
        )
    }
    for (const stream of streams) expect(await endOf(stream)).toBe('')
    const began = performance.now()
    await full[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(5000)
    for (const stream of streams) await stream.close()
  })

  it('says why it is not let in, without the key', async () => {
    const revoked = await control.mint({ tags: ['tag:gateway'] })
    await control.endKey(revoked.id, 'revoked')
    await using refused = await newGateway(control, { authKey: revoked.key })
    const error = await refused.start(handlers, ended.signal).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ClawError)
    expect(error).toMatchObject({ code: 'CP_NATIVE', message: expect.stringContaining('refused') })
    expect(JSON.stringify(error) + String(error)).not.toContain(revoked.key)
  })

  it('refuses a control server it would not find', async () => {
    for (const controlUrl of ['ftp://control.test', 'control.test', 'https://me:secret@control.test']) {
      await using lost = await newGateway(control, { controlUrl })
      const error = await lost.start(handlers, ended.signal).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'CP_NATIVE' })
      expect(String(error)).not.toContain('secret')
    }
  })

  it('says what is wrong with its directory', async () => {
    const stateDir = temporaryDir()
    mkdirSync(join(stateDir, 'tailscaled.state'))
    for (const dir of [stateDir, '/dev/null/state']) {
      await using lost = await newGateway(control, { stateDir: dir })
      await expect(lost.start(handlers, ended.signal)).rejects.toMatchObject({ code: 'CP_NATIVE' })
    }
  })

  it('gives up at once when it is told to stop while it starts', async () => {
    await using lost = await newGateway(control, { controlUrl: 'http://127.0.0.1:9' })
    const stop = new AbortController()
    const starting = lost.start(handlers, stop.signal)
    const began = performance.now()
    stop.abort()
    await expect(starting).rejects.toMatchObject({ code: 'CP_CANCELLED' })
    expect(performance.now() - began).toBeLessThan(8000)
  })
})
