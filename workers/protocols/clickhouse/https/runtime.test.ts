import nodeHttp from 'node:http'
import nodeHttps from 'node:https'
import zlib from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Unknown } from '../../../contract/action.ts'
import type { Endpoint, Limits, Rule } from '../../../contract/profile.ts'
import { aCredential, aRule, listen } from '../../../upstream/serving.fixture.ts'
import type { HttpFacts } from '../../../wire/http/request-facts.ts'
import { loadHttpsOffline } from '../offline.ts'
import { type Asked, type Asker, type LabPki, makeLabPki, startAsker } from './lab.fixture.ts'

const host = 'metrics.example.test'
const limited = (name: string, when: string, bytes: number): Rule => ({
  ...aRule(name, when),
  outcome: { do: 'allow', limits: { bytes } },
})
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

interface Received {
  readonly line: string
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly body: string
  readonly trailers: NodeJS.Dict<string>
}

describe('clickhouse_https', () => {
  let lab: LabPki
  let upstream: nodeHttps.Server
  let agent: Asker
  const received: Received[] = []

  beforeAll(async () => {
    lab = makeLabPki(host)
    const { key, chain } = lab.pki.server
    upstream = nodeHttps.createServer({ key, cert: chain }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        received.push({
          line: `${request.method} ${request.url}`,
          headers: request.headers,
          body,
          trailers: request.trailers,
        })
        if (body.includes('failing')) response.writeHead(404, { 'X-ClickHouse-Exception-Code': '60' })
        if (body.includes('dying')) {
          response.write('x'.repeat(1000), () => response.destroy())
          return
        }
        if (body.includes('summed')) response.setHeader('X-ClickHouse-Summary', '{"read_rows":"9","result_rows":"3"}')
        if (body.includes('announced')) response.setHeader('Content-Length', '3000')
        response.write('x'.repeat(1000))
        setImmediate(() => response.end(body.includes('LIMIT 1') ? '' : 'y'.repeat(2000)))
      })
    })
    agent = await startAsker({
      pki: lab.pki,
      host,
      upstreamPort: await listen(upstream),
      limits: { inspectBytes: 20_000 },
      credentials: [
        aCredential('reader', 'clickhouse_credential', {
          settings: { user: 'reader' },
          disambiguator: { user: 'agent_ro' },
        }),
        aCredential('odd', 'clickhouse_credential', {
          settings: { user: 'a:b' },
          disambiguator: { placeholder: 'PH_a' },
        }),
        aCredential('odder', 'basic_auth', { settings: { username: 'c' }, disambiguator: { placeholder: 'PH_a_2' } }),
        aCredential('empty', 'clickhouse_credential', { settings: {}, disambiguator: { database: 'nowhere' } }),
      ],
      secrets: { reader: { '': 'p\u00e4ss:word' }, odd: { '': 'odd-secret' }, odder: { '': 'odder-secret' } },
      rules: [
        aRule('no-path', "http.path.startsWith('/private')", 'private'),
        limited('short', "sql.verb == 'show'", 2500),
        aRule('no-param', "'id' in sql.params && sql.params.id == '7'", 'seven'),
        aRule('no-setting', "'max_threads' in sql.settings && sql.settings.max_threads == '1'", 'slow'),
        aRule('no-hr', "sql.database == 'hr' || 'hr.salaries' in sql.tables", 'hr is private'),
      ],
    })
  })
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    upstream?.closeAllConnections()
    upstream?.close()
    await lab?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    received.length = 0
    agent.gateway.actions.length = 0
    agent.gateway.refused.length = 0
  })

  const last = () => agent.gateway.actions.at(-1)

  it.each([
    ['Basic', { Authorization: basic('agent_ro:x') }, '/?a=1'],
    ['header fields', { 'X-ClickHouse-User': 'agent_ro', 'X-ClickHouse-Key': 'x' }, '/?a=1'],
    ['parameters', {}, '/?a=1&user=agent_ro&password=x'],
  ])('logs in instead of an agent that says who it is by %s', async (_how, headers, path) => {
    await agent.ask({ path, headers, body: 'SELECT 1 LIMIT 1' })
    const sent = received[0]?.headers ?? {}
    expect(received[0]?.line).toBe('POST /?a=1&database=default')
    expect(sent.authorization).toBe(basic('reader:p\u00e4ss:word'))
    expect(Object.keys(sent).filter((name) => name.startsWith('x-clickhouse'))).toEqual([])
    expect(last()?.seen).toMatchObject({ credential: 'reader', record: { user: 'reader' } })
  })

  it.each([
    ['PH_a', { 'x-clickhouse-user': 'a:b', 'x-clickhouse-key': 'odd-secret' }],
    ['PH_a_2', { authorization: basic('c:odder-secret') }],
  ])('finds the placeholder %s in a password', async (placeholder, login) => {
    const headers = { Authorization: basic(`someone:${placeholder}`) }
    await agent.ask({ path: '/', headers, body: 'SELECT 1 LIMIT 1' })
    expect(received[0]?.headers).toMatchObject(login)
  })

  it('keeps the quota of a request in the one way that goes with its login', async () => {
    const headers = { 'X-ClickHouse-User': 'agent_ro', 'X-ClickHouse-Quota': 'of me' }
    await agent.ask({ path: '/', headers, body: 'SELECT 1 LIMIT 1' })
    expect(received[0]).toMatchObject({ line: 'POST /?database=default&quota_key=of%20me' })
    expect(received[0]?.headers).not.toHaveProperty('x-clickhouse-quota')
  })

  it('sends nothing with a credential that has no secret', async () => {
    const { status, text } = await agent.ask({ path: '/?database=nowhere', body: 'SELECT 1' })
    expect([status, received]).toEqual([403, []])
    expect(text).toContain('credential "empty" has no secret: set it with clawpatrol secret set')
  })

  it('leaves a login alone that no credential stands for', async () => {
    await agent.ask({ path: '/?user=me&password=mine', body: 'SELECT 1 LIMIT 1' })
    expect(received[0]?.line).toBe('POST /?user=me&password=mine&database=default')
    expect(last()?.seen).toMatchObject({ credential: null, record: { user: 'me' } })
  })

  it('says the database that rules were told of, in one place', async () => {
    const headers = { 'X-ClickHouse-Database': 'shop' }
    await agent.ask({ path: '/?query=SELECT+1+LIMIT+1', headers })
    expect(received[0]?.line).toBe('GET /?query=SELECT+1+LIMIT+1&database=shop')
    expect(received[0]?.headers).not.toHaveProperty('x-clickhouse-database')
    expect((await agent.ask({ path: '/', headers: { 'X-ClickHouse-Database': 'hr' }, body: 'SELECT 1' })).status).toBe(
      403,
    )
    expect((await agent.ask({ path: '/?database=hr', body: 'SELECT 1' })).status).toBe(403)
    expect((await agent.ask({ path: '/?database=hr&database=shop', body: 'SELECT 1' })).status).toBe(403)
  })

  it('tells rules of parameters and settings', async () => {
    const asked = { body: 'SELECT {id:UInt8} LIMIT 1' }
    expect((await agent.ask({ path: '/?param_id=7', ...asked })).text).toContain('seven [decided by no-param')
    expect((await agent.ask({ path: '/?param_id=8&max_threads=1', ...asked })).text).toContain('slow')
    expect((await agent.ask({ path: '/?param_id=8', ...asked })).status).toBe(200)
    expect(last()?.seen.facts.sql).toMatchObject({ params: { id: '8' }, settings: {}, statement: asked.body })
    expect(last()?.described).not.toContain('"8"')
  })

  it('denies as the server refuses a statement', async () => {
    const { status, headers, text } = await agent.ask({ path: '/', body: 'SELECT * FROM hr.salaries' })
    expect(status).toBe(403)
    expect(headers).toMatchObject({ 'x-clickhouse-exception-code': '497', 'content-type': 'text/plain; charset=UTF-8' })
    expect(text).toMatch(
      /^Code: 497\. DB::Exception: clawpatrol denied this statement: hr is private \[decided by no-hr, action [-0-9a-f]{36}\]\. Ask the operator .* \(ACCESS_DENIED\)\n$/,
    )
    const head = await agent.ask({ method: 'HEAD', path: '/?query=SELECT+*+FROM+hr.salaries' })
    expect(head).toMatchObject({ status: 403, text: '' })
    expect(received).toEqual([])
  })

  it('judges other paths by the request, and by nothing where they may be SQL', async () => {
    expect((await agent.ask({ path: '/private' })).text).toContain('private')
    expect((await agent.ask({ path: '/ping' })).status).toBe(200)
    expect(received[0]?.line).toBe('GET /ping')
    expect(last()?.seen).toMatchObject({ title: `GET https://${host}/ping`, unknowns: [] })
    expect((await agent.ask({ path: '/custom?x=1' })).status).toBe(403)
    expect((await agent.ask({ path: '/custom', body: 'x' })).status).toBe(403)
  })

  it('never becomes another protocol, and passes on no field that may be a setting some day', async () => {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'X-ClickHouse-Setting-dialect': 'kusto' }
    await agent.ask({ path: '/?query=SELECT+1+LIMIT+1', headers })
    expect(received[0]?.headers).not.toHaveProperty('upgrade')
    expect(received[0]?.headers).not.toHaveProperty('x-clickhouse-setting-dialect')
  })

  it('reads of an INSERT what comes before its data, however much that is', async () => {
    const data = 'DROP TABLE hr.salaries\n'.repeat(10_000)
    const path = '/?query=INSERT+INTO+shop.orders+FORMAT+TSV'
    expect((await agent.ask({ path, body: data })).status).toBe(200)
    expect(received[0]?.body).toBe(data)
    expect(last()?.seen).toMatchObject({
      title: 'INSERT INTO shop.orders FORMAT TSV',
      unknowns: [],
      facts: { sql: { verb: 'insert', tables: ['shop.orders'], statement: 'INSERT INTO shop.orders FORMAT TSV' } },
    })
    const binary = Buffer.concat([
      Buffer.from('INSERT INTO shop.orders FORMAT RowBinary\n'),
      Buffer.alloc(50_000, 0xff),
    ])
    expect((await agent.ask({ path: '/', body: binary })).status).toBe(200)
    expect(last()?.seen.unknowns).toEqual([])
    const packed = zlib.gzipSync('INSERT INTO hr.salaries FORMAT TSV\nx')
    const { text } = await agent.ask({ path: '/', headers: { 'Content-Encoding': 'gzip' }, body: packed })
    expect(text).toContain('hr is private')
  })

  it.each([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['br', (text: string) => zlib.brotliCompressSync(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ])('reads as much of an INSERT in %s as it needs', async (coding, pack) => {
    const rows = Array.from({ length: 50_000 }, (_, at) => (at * 2_654_435_761) % 4_294_967_291).join('\n')
    const send = (table: string) =>
      agent.ask({
        path: '/',
        headers: { 'Content-Encoding': coding },
        body: pack(`INSERT INTO ${table} FORMAT TSV\n${rows}`),
      })
    expect((await send('shop.orders')).status).toBe(200)
    expect(last()?.seen.facts.sql).toMatchObject({ verb: 'insert', statement: 'INSERT INTO shop.orders FORMAT TSV' })
    expect((await send('hr.salaries')).text).toContain('hr is private')
  })

  it('denies what it cannot see whole, and a data block in the own compression of the server', async () => {
    const long = await agent.ask({ path: '/', body: `SELECT '${'x'.repeat(30_000)}'` })
    expect([long.status, last()?.seen.unknowns[0]?.because]).toEqual([403, 'truncated'])
    expect((await agent.ask({ path: '/?decompress=1', body: 'SELECT 1' })).status).toBe(403)
    const bomb = zlib.gzipSync(Buffer.alloc(1 << 20, 0x20))
    expect((await agent.ask({ path: '/', headers: { 'Content-Encoding': 'gzip' }, body: bomb })).status).toBe(403)
    expect(received).toEqual([])
  })

  it('lets no statement change how later requests of a session are read', async () => {
    expect((await agent.ask({ path: '/?session_id=s', body: 'USE shop' })).text).toContain('name the database in each')
    expect((await agent.ask({ path: '/?session_id=s', body: "SET dialect = 'kusto'" })).status).toBe(403)
    expect((await agent.ask({ path: '/?session_id=s', body: 'SET max_query_size = 0' })).status).toBe(403)
    expect((await agent.ask({ path: '/?session_id=s', body: 'SELECT 1 LIMIT 1' })).status).toBe(200)
  })

  it('records no password and no data of parameters', async () => {
    const body = "CREATE USER u IDENTIFIED BY 'hunter2-of-u'"
    await agent.ask({ path: '/', body })
    await agent.ask({ path: `/?query=${encodeURIComponent(body)}&param_x=hunter2-too` })
    await agent.ask({ path: '/', body: `${body} /*${' '.repeat(30_000)}*/` })
    await agent.ask({ path: '/?query=CREATE+USER+u+IDENTIFIED+BY', body: `'hunter2' /*${' '.repeat(30_000)}*/` })
    const part = 'Content-Disposition: form-data; name="param_x"\r\n\r\nhunter2'
    const headers = { 'Content-Type': 'multipart/form-data; boundary=0123456789ab' }
    await agent.ask({
      path: '/?query=SELECT+1',
      headers,
      body: `--0123456789ab\r\n${part}\r\n--0123456789ab--\r\n`,
    })
    await agent.gateway.settled()
    const kept = agent.gateway.actions.map(({ seen, described, closing }) => [
      seen.title,
      seen.record,
      described,
      Buffer.from(closing?.request?.bytes ?? []).toString(),
    ])
    expect(JSON.stringify(kept)).not.toContain('hunter2')
    expect(kept[0]?.[3]).toBe("CREATE USER u IDENTIFIED BY '***'")
  })

  it.each<Asked>([
    { path: '/?query=SELECT+*+FROM+a.b+JOIN+c+USING+d&max_threads=3' },
    { path: '/', headers: { 'X-ClickHouse-Database': 'shop' }, body: 'INSERT INTO orders FORMAT TSV\n1\t2' },
    { path: '/?param_id=3&database=shop', body: 'SELECT {id:UInt8} FROM t SETTINGS max_threads = 2' },
    { path: '/ping' },
  ])('is judged again as it was: $path', async (asked) => {
    await agent.ask(asked)
    const { seen, described } = agent.gateway.actions.at(-1) ?? {}
    const decode = await loadHttpsOffline()
    const endpoint = { settings: {}, credentials: [], rules: [] } as unknown as Endpoint
    const [again, more] = decode(JSON.parse(described ?? ''), endpoint, { inspectBytes: 20_000 } as Limits)
    expect(more).toBeUndefined()
    const { path, method, host: named } = (again?.facts.http ?? {}) as HttpFacts
    expect({ path, method, host: named }).toEqual({
      path: asked.path.replace(/\?.*/, ''),
      method: asked.body === undefined ? 'get' : 'post',
      host,
    })
    const without = ({ params: _, ...facts }: { readonly params?: unknown }) => facts
    expect(without(again?.facts.sql ?? {})).toEqual(without(seen?.facts.sql ?? {}))
    const paths = (unknowns: readonly Unknown[] = []) => unknowns.map((unknown) => unknown.path).sort()
    expect(paths(again?.unknowns)).toEqual(paths(seen?.unknowns))
  })

  it('sends no more on a connection on which the server may have left something unread, and no trailers', async () => {
    const insert = '/?query=INSERT+INTO+shop.orders+FORMAT+TSV'
    for (const [method, path, body, kept] of [
      ['POST', '/', 'SELECT 1 LIMIT 1', true],
      ['POST', '/?query=SELECT+1', ' LIMIT 1', true],
      ['POST', insert, '1', false],
      ['PUT', '/', 'SELECT 1 LIMIT 1', false],
      ['GET', '/?query=SELECT+1+LIMIT+1', undefined, true],
    ] as const) {
      expect((await agent.ask({ method, path, ...(body === undefined ? {} : { body }) })).status).toBe(200)
      expect([path, received.at(-1)?.headers.connection]).toEqual([path, kept ? undefined : 'close'])
    }
    const { port } = agent.gateway
    const chunked = { host: '127.0.0.1', port, servername: host, ca: lab.pki.ca, method: 'POST', agent: false }
    const answered = new Promise((resolve, reject) => {
      const sent = nodeHttps.request({ ...chunked, headers: { Host: host, Trailer: 'X-Pad' } }, (response) =>
        response.resume().on('end', resolve),
      )
      sent.on('error', reject).write('SELECT 1 LIMIT 1')
      sent.addTrailers({ 'X-Pad': '1' })
      sent.end()
    })
    await answered
    expect(received.at(-1)).toMatchObject({ body: 'SELECT 1 LIMIT 1' })
    expect(Object.keys(received.at(-1)?.trailers ?? {})).toEqual([])
  })

  it('tells of a server that dies in the middle of a result, and goes on', async () => {
    const cut = await agent.ask({ path: '/', body: 'SELECT dying' })
    expect(cut).toMatchObject({ status: 200, isWhole: false })
    await agent.gateway.settled()
    expect(last()?.closing?.error).toMatch(/closed|broke off/)
    expect((await agent.ask({ path: '/', body: 'SELECT 1 LIMIT 1' })).isWhole).toBe(true)
  })

  it('ends what an agent does not wait for', async () => {
    const left = agent.ask({
      path: '/?query=INSERT+INTO+shop.orders+FORMAT+TSV',
      endsWith: 'nothing',
      body: 'x'.repeat(30_000),
    })
    await expect(left).rejects.toThrow()
    await agent.gateway.idle()
    expect(last()?.closing).toMatchObject({ status: 'error' })
    expect(received).toEqual([])
  })

  it('records the exception a statement ended with, and its rows', async () => {
    await agent.ask({ path: '/', body: 'SELECT failing LIMIT 1' })
    await agent.gateway.settled()
    expect(last()?.closing).toMatchObject({ status: 'exception 60', error: null })
    await agent.ask({ path: '/', body: 'SELECT summed LIMIT 1' })
    await agent.gateway.settled()
    expect(last()?.closing).toMatchObject({ status: '200', result: { columns: null, rows: 3 } })
  })

  it('serves without TLS where the endpoint says so', async () => {
    const lines: string[] = []
    const server = nodeHttp.createServer((request, response) => {
      lines.push(`${request.method} ${request.url} as ${request.headers.authorization} to ${request.headers.host}`)
      response.end('fine')
    })
    const rules = [aRule('no-plain', "http.scheme == 'http' && sql.verb == 'drop'", 'nothing is dropped')]
    const credentials = [aCredential('plain', 'clickhouse_credential', { settings: { user: 'me' } })]
    const parts = {
      pki: lab.pki,
      host,
      upstreamPort: await listen(server),
      settings: { tls: false },
      credentials,
      secrets: { plain: { '': 'plain-secret' } },
      rules,
    }
    await using plain = await startAsker(parts)
    expect((await plain.ask({ path: '/?query=SELECT+1' })).text).toBe('fine')
    expect((await plain.ask({ path: '/', body: 'DROP TABLE t' })).text).toContain('nothing is dropped')
    expect(lines).toEqual([`GET /?query=SELECT+1&database=default as ${basic('me:plain-secret')} to ${host}:443`])
    expect((await plain.ask({ path: '/', headers: { Host: 'other.test' } })).status).toBe(421)
    await using byAddress = await startAsker({ ...parts, isByAddress: true })
    for (const named of [host, '192.0.2.1', '192.0.2.1:443'])
      expect((await byAddress.ask({ path: '/?query=SELECT+2', headers: { Host: named } })).text).toBe('fine')
    expect(lines.slice(1)).toEqual(Array(3).fill(lines[0]?.replace('SELECT+1', 'SELECT+2')))
    expect((await byAddress.ask({ path: '/', headers: { Host: '192.0.2.2' } })).status).toBe(421)
    server.close()
  })

  it('breaks off a result that is longer than the rule allows', async () => {
    const cut = await agent.ask({ path: '/', body: 'SHOW TABLES' })
    expect([cut.status, cut.text.length < 2500, cut.isWhole]).toEqual([200, true, false])
    await agent.gateway.settled()
    expect(last()?.closing).toMatchObject({ error: 'the result is longer than the 2500 bytes the rule allows' })
    const told = await agent.ask({ path: '/', body: "SHOW TABLES LIKE 'announced'" })
    expect([told.status, told.headers['x-clickhouse-exception-code']]).toEqual([403, '396'])
    expect(told.text).toContain('longer than the 2500 bytes the rule allows')
    const short = await agent.ask({ path: '/', body: 'SHOW TABLES LIMIT 1' })
    expect([short.text.length, short.isWhole]).toEqual([1000, true])
  })
})
