import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { destinationPolicy } from '../../gateway/flows/destination.ts'
import { Dispatch } from '../../gateway/flows/dispatch.ts'
import { VirtualNames } from '../../gateway/flows/names.ts'
import { ProfileViews } from '../../gateway/flows/profile-views.ts'
import { LoopbackTailnet } from '../../gateway/tailnet/loopback.ts'
import type { ActionEvent } from '../../workers/contract/action.ts'
import type { DeviceId, EndpointName, ProfileName } from '../../workers/contract/ids.ts'
import { clientHello, profileWith } from '../support/flow-lab.ts'

const alice = '10.77.0.2'
const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** A dispatcher behind the binding; doors in this order: relayed, dead, refused, inspected, of a stranger, databases. */
async function startBehindBinding() {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => undefined).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  const events: ActionEvent[] = []
  const views = new ProfileViews()
  const names = new VirtualNames({ load: () => [], save: () => undefined })
  const databases = { protocol: 'postgres', hosts: ['db.example', '192.0.2.5:6432'] }
  names.update(views.update([profileWith('work', { api: ['api.example'], db: databases })]))
  let isKnown = true
  const running = new Set<Socket>()
  const dispatch = new Dispatch({
    devices: {
      byAddress: (address) =>
        address === alice && isKnown
          ? {
              id: 'd1' as DeviceId,
              name: 'laptop',
              user: null,
              profile: 'work' as ProfileName,
              isApproved: true,
              isBlocked: false,
            }
          : null,
      byNode: () => null,
    },
    profiles: views,
    names,
    addresses: {
      locate: (address) => ({ names: address === '203.0.113.8' ? ['db.example'] : [], unknown: new Set() }),
    },
    resolver: { server: null, resolve: () => Promise.resolve({ kind: 'no_name' }) },
    policy: destinationPolicy({ allow: ['127.0.0.1'], local: () => new Set() }),
    pools: {
      hasRoom: () => true,
      run: async (flow, route, fd) => {
        const socket = new Socket({ fd, readable: true, writable: true })
        running.add(socket)
        socket.on('error', () => undefined)
        // as servers do that speak first
        if (route.candidates.includes('db' as EndpointName)) socket.end(`the server for ${flow.targetName}`)
        socket.on('data', (bytes: Buffer) => socket.end(`${bytes.length} bytes for ${flow.targetName}`))
        await new Promise((resolve) => socket.once('close', resolve))
        return { flow: flow.id, bytesUp: 0, bytesDown: 0, actions: 1, endedBy: 'peer', fault: null }
      },
      cancel: () => {
        for (const socket of running) socket.destroy()
      },
    },
    record: async (_flow, added) => void events.push(...added),
    recorderHealthy: () => true,
  })
  const tailnet = new LoopbackTailnet([
    { from: alice, to: { host: '127.0.0.1', port } },
    { from: alice, to: { host: '127.0.0.1', port: 1 } },
    { from: alice, to: { host: '169.254.169.254', port: 80 } },
    { from: alice, to: { host: '198.51.100.7', port: 443 } },
    { from: '10.77.0.99', to: { host: '127.0.0.1', port } },
    { from: alice, to: { host: names.addressOf('db.example')?.v4 ?? '', port: 5432 } },
    { from: alice, to: { host: '203.0.113.8', port: 5432 } },
    { from: alice, to: { host: '192.0.2.5', port: 6432 } },
  ])
  stops.push(
    () => echo.close(),
    () => tailnet[Symbol.asyncDispose](),
    () => dispatch[Symbol.asyncDispose](),
  )
  await tailnet.start(dispatch, new AbortController().signal)
  const knock = (door: number) => {
    const socket = connect({ port: tailnet.ports[door] ?? 0, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    return socket
  }
  const forget = () => {
    isKnown = false
  }
  return { dispatch, tailnet, events, knock, forget }
}

describe('Dispatch behind the binding', () => {
  it('relays bytes and half-closes inside it, and records how many', async () => {
    const { knock, dispatch, events } = await startBehindBinding()
    const socket = knock(0)
    socket.end('over there')
    expect(await text(socket)).toBe('over there')
    socket.destroy()
    while (dispatch.list().length > 0) await new Promise(setImmediate)
    expect(events).toMatchObject([
      { kind: 'opened', verdict: { kind: 'allow' } },
      { kind: 'closed', status: 'closed', error: null, bytesUp: 10, bytesDown: 10 },
    ])
  })

  it('hands over what it peeked at, and all that follows', async () => {
    const { knock } = await startBehindBinding()
    const hello = clientHello('api.example')
    const socket = knock(3)
    socket.write(hello)
    expect(await text(socket)).toBe(`${hello.length} bytes for api.example`)
    socket.destroy()
  })

  it.each([
    ['name', 5, 'the server for db.example'],
    ['real address', 6, 'the server for null'],
    ['declared address', 7, 'the server for null'],
  ])('hands over a flow to the %s of a server that speaks first', async (_what, door, said) => {
    const { knock } = await startBehindBinding()
    const socket = knock(door)
    expect(await text(socket)).toBe(said)
    socket.destroy()
  })

  it.each([
    ['to a dead upstream', 1, { kind: 'closed', status: 'error', error: expect.stringMatching(/refused/) }],
    ['to a metadata service', 2, { kind: 'closed', status: 'denied' }],
    ['of a stranger', 4, { kind: 'closed', status: 'denied' }],
  ])('ends a flow %s without a byte', async (_what, door, last) => {
    const { knock, events, dispatch } = await startBehindBinding()
    const socket = knock(door)
    socket.resume()
    await new Promise<void>((resolve) => socket.once('close', () => resolve()))
    expect(socket.bytesRead).toBe(0)
    while (events.length < 2) await new Promise(setImmediate)
    expect(events.at(-1)).toMatchObject(last)
    expect(dispatch.list()).toEqual([])
  })

  it('ends every flow of a deleted device at once', async () => {
    const { knock, dispatch, forget } = await startBehindBinding()
    const sockets = [knock(0), knock(3), knock(3)]
    const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    sockets[0]?.write('x')
    if (sockets[0] !== undefined) await once(sockets[0], 'data')
    while (dispatch.list().length < 3) await new Promise(setImmediate)
    for (const socket of sockets) socket.resume()
    forget()
    const begun = performance.now()
    expect(dispatch.recheck()).toBe(3)
    await Promise.all(closed)
    expect(performance.now() - begun).toBeLessThan(1000)
    while (dispatch.list().length > 0) await new Promise(setImmediate)
  })
})
