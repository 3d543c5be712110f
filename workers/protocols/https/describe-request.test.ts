import nodeHttps from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DescribedAction } from '../../contract/described.ts'
import { curl, type Gateway, listen, makePki, type Pki, startGateway } from './session.fixture.ts'

const host = 'api.example.test'

describe('describeRequest()', () => {
  let pki: Pki
  let upstream: nodeHttps.Server
  let gateway: Gateway

  beforeAll(async () => {
    pki = makePki([host])
    upstream = nodeHttps.createServer({ key: pki.server.key, cert: pki.server.chain }, (request, response) => {
      request.resume().on('end', () => response.end('ok'))
    })
    gateway = await startGateway({ pki, host, upstreamPort: await listen(upstream) })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    upstream?.closeAllConnections()
    upstream?.close()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    gateway.actions.length = 0
  })

  async function described(...args: string[]): Promise<DescribedAction> {
    await curl(gateway, pki, '-H', 'User-Agent:', ...args)
    return JSON.parse(gateway.actions[0]?.described ?? 'null') as DescribedAction
  }

  it('gives what rules see, every value of every list, and says that there is no body', async () => {
    const words = ['-H', 'X-A: one', '-H', 'x-a: two', '-H', 'X-Forwarded-For: 192.0.2.9']
    expect(await described(...words, `https://${host}/a%20b/%C3%A9?q=1&q=%2B2&r`)).toEqual({
      host,
      http: {
        method: 'GET',
        path: '/a b/é',
        query: { q: ['1', '+2'], r: [''] },
        headers: { Accept: ['*/*'], 'X-A': ['one', 'two'] },
        body: '',
      },
    })
  })

  it('masks sensitive headers and parameters, one for one, and nothing of the body is in it', async () => {
    const secrets = ['-H', 'Authorization: Bearer s3cret', '-b', 'sid=s3cret', '-H', 'X-Api-Key: s3cret']
    const url = `https://${host}/?token=s3cret&page=2&X-Amz-Signature=s3cret&token=s3cret`
    const action = await described(...secrets, '-d', 'password=s3cret', url)
    expect(action.http).toEqual({
      method: 'POST',
      path: '/',
      query: { token: ['***', '***'], page: ['2'], 'X-Amz-Signature': ['***'] },
      headers: {
        Accept: ['*/*'],
        Authorization: ['***'],
        Cookie: ['***'],
        'X-Api-Key': ['***'],
        'Content-Length': ['15'],
        'Content-Type': ['application/x-www-form-urlencoded'],
      },
    })
    expect(JSON.stringify(action)).not.toContain('s3cret')
  })

  it('leaves out what cannot be decoded', async () => {
    expect((await described(`https://${host}/%zz?a=%ff`)).http).toEqual({
      method: 'GET',
      headers: { Accept: ['*/*'] },
      body: '',
    })
  })
})
