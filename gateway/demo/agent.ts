import { connect } from 'node:http2'
import { request } from 'node:https'
import { demoHosts, demoPlaceholder } from './policy.ts'
import { grpcFrame } from './upstreams.ts'

/**
 * The demo agent: an ordinary program that knows nothing of clawpatrol. It holds a placeholder instead of a
 * key, asks for things it may and may not do, and goes on when one is refused. Run as
 * `clawpatrol run -- node agent.js`.
 * @returns 0 when every request was answered, with whatever status
 */
export async function demoAgent(): Promise<number> {
  const notes = `https://${demoHosts.notes}`
  await ask('GET', `${notes}/v1/notes`, null)
  await ask('POST', `${notes}/v1/notes`, '{"text":"water the plants"}')
  await ask('POST', `${notes}/v1/notes`, '{"text":"-----BEGIN PRIVATE KEY-----"}')
  await ask('DELETE', `${notes}/v1/notes/1`, null)
  await ask('GET', `${notes}/admin`, null)
  await call('/demo.Ledger/Balance')
  await call('/demo.Ledger/Transfer')
  await ask('GET', 'https://elsewhere.example/', null).catch(() => null)
  return 0
}

function ask(method: string, url: string, body: string | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { authorization: `Bearer ${demoPlaceholder}` }, timeout: 10_000 })
    sent.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url}`)))
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

function call(method: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://${demoHosts.ledger}`)
    session.on('error', reject)
    const stream = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${demoPlaceholder}`,
    })
    stream.setTimeout(10_000, () => stream.destroy(new Error(`no answer from ${method}`)))
    stream.on('error', reject)
    stream.on('end', () => session.close())
    session.on('close', () => resolve())
    stream.resume()
    stream.end(grpcFrame(Buffer.from([0x0a, 0x01, 0x61])))
  })
}
