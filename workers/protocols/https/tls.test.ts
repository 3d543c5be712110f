import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { curl, type Gateway, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'

describe("an agent's TLS handshake", () => {
  let pki: Pki
  let gateway: Gateway

  beforeAll(async () => {
    pki = makePki([host])
    gateway = await startGateway({ pki, host, upstreamPort: 1 })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    gateway.refused.length = 0
  })

  async function shake(options: tls.ConnectionOptions): Promise<string> {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca, ...options })
    client.on('error', () => undefined)
    const over = new Promise<string>((resolve) => {
      client.on('secureConnect', () => resolve('secure'))
      client.on('close', () => resolve('closed'))
    })
    const how = await over
    client.destroy()
    if (how === 'closed') await gateway.idle()
    return how
  }

  it('ends well for one that trusts the gateway, and resumes', async () => {
    const client = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca })
    const [session] = (await once(client, 'session')) as [Buffer]
    client.destroy()
    const again = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: host, ca: pki.ca, session })
    await once(again, 'secureConnect')
    expect(again.isSessionReused()).toBe(true)
    again.resume().end()
    await once(again, 'close')
    expect(gateway.refused).toEqual([])
  })

  it.each([
    ['does not trust the gateway CA', { ca: [] }, /closed the connection during the handshake; it may not trust/],
    [
      'speaks TLS 1.1 only',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      /no TLS version/,
    ],
    ['offers no protocol in common', { ALPNProtocols: ['spdy/3'] }, /no application protocol in common/],
    ['names another host', { servername: 'other.example' }, /not one of the endpoint/],
  ] as const)('is refused and explained for one that %s', async (_name, options, words) => {
    expect(await shake(options as tls.ConnectionOptions)).toBe('closed')
    expect(gateway.refused).toMatchObject([{ reason: expect.stringMatching(words) }])
  })

  it('is refused and explained for curl that does not trust the gateway CA', async () => {
    using other = makePki([host])
    await expect(curl(gateway, other, `https://${host}/`)).rejects.toThrow('(60)')
    await gateway.idle()
    expect(gateway.refused).toMatchObject([
      { reason: expect.stringMatching(/^the agent does not trust the gateway CA;/) },
    ])
  })

  it('is refused for one that does not speak TLS', async () => {
    const client = net.connect(gateway.port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\n\r\n')
    client.resume()
    await once(client, 'close')
    expect(gateway.refused).toMatchObject([{ reason: expect.stringMatching(/not TLS; use https/) }])
  })

  it('says nothing of a connection that is opened and closed unused', async () => {
    const client = net.connect(gateway.port, '127.0.0.1')
    await once(client, 'connect')
    client.resume().end()
    await once(client, 'close')
    await gateway.idle()
    expect(gateway.refused).toEqual([])
  })

  it('ends with the flow, also before its first byte', async () => {
    const client = net.connect(gateway.port, '127.0.0.1')
    client.on('error', () => undefined)
    await once(client, 'connect')
    await gateway.serving(1)
    gateway.cancel()
    client.resume()
    await once(client, 'close')
    await gateway.idle()
    expect(gateway.refused).toEqual([])
  })
})
