import zlib from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClickHouseServer,
  clickHousePassword,
  clickHousePrograms,
  startClickHouse,
} from '../../../../test/support/clickhouse-server.ts'
import { aCredential, aRule } from '../../../upstream/serving.fixture.ts'
import { type Asked, type Asker, ask, type LabPki, makeLabPki, startAsker } from './lab.fixture.ts'

const program = clickHousePrograms('hostile requests to ClickHouse over HTTPS')
const host = 'metrics.example.test'

const secret = 'topsecret'
const wanted = 'SELECT name FROM hr.salaries'
const url = encodeURIComponent(wanted)
const form = (type: string, ...fields: readonly (readonly [name: string, value: string])[]): Asked => ({
  path: '/',
  headers: { 'Content-Type': `${type}; boundary=0123456789ab` },
  body: `${fields.map(([name, value]) => `--0123456789ab\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--0123456789ab--\r\n`,
})
const coded = (coding: string, body: Buffer): Asked => ({ path: '/', headers: { 'Content-Encoding': coding }, body })

/** Ways to have the server run another statement than a careless reader sees. */
const attacks: readonly (readonly [what: string, asked: Asked])[] = [
  ['in the URL', { path: `/?query=${url}` }],
  ['in the body', { path: '/', body: wanted }],
  ['in the body of a GET', { method: 'GET', path: '/?x=', body: wanted }],
  ['in a PUT', { method: 'PUT', path: '/?', body: wanted }],
  ['in the URL of a HEAD that is none', { method: 'POST', path: `/?query=${url}`, body: '' }],
  ['an escaped name', { path: `/?%71uery=${url}` }],
  ['a name in capitals', { path: `/?QUERY=${url}` }],
  ['a name after a byte order mark', { path: `/?\u00ef\u00bb\u00bfquery=${url}` }],
  ['a name after an escaped byte order mark', { path: `/?%EF%BB%BFquery=${url}` }],
  ['the first of two', { path: `/?query=${url}&query=SELECT+1` }],
  ['the second of two', { path: `/?query=SELECT+1&query=${url}` }],
  ['the first of two in other letters', { path: `/?Query=${url}&query=SELECT+1` }],
  ['after an empty parameter', { path: `/?&query=${url}` }],
  ['after a semicolon', { path: `/?a=1;query=${url}` }],
  ['split between URL and body', { path: '/?query=SELECT+name+FROM+hr.', body: 'salaries' }],
  [
    'before a body the server then never reads',
    { path: '/?database=hr&max_query_size=0&query=SELECT+name+FROM+salaries', body: '.public' },
  ],
  ['split inside a comment', { path: '/?query=SELECT+name+FROM+hr./*', body: '*/salaries' }],
  ['behind a line comment', { path: '/?query=SELECT+name+FROM+--', body: 'hr.salaries' }],
  ['by the database of the URL', { path: '/?database=hr', body: 'SELECT name FROM salaries' }],
  ['by the database of the URL in capitals', { path: '/?DATABASE=hr', body: 'SELECT name FROM salaries' }],
  ['by one of two databases', { path: '/?database=default&database=hr', body: 'SELECT name FROM salaries' }],
  ['by the other of two databases', { path: '/?database=hr&database=default', body: 'SELECT name FROM salaries' }],
  ['by a header', { path: '/', headers: { 'X-ClickHouse-Database': 'hr' }, body: 'SELECT name FROM salaries' }],
  [
    'by a header against the URL',
    { path: '/?database=default', headers: { 'X-ClickHouse-Database': 'hr' }, body: 'SELECT name FROM salaries' },
  ],
  ['on another path', { path: '/anything', body: wanted }],
  ['on another path, in the URL', { path: `/anything?query=${url}` }],
  ['on the path of a page', { path: `/ping?query=${url}` }],
  ['in a POST to a page', { path: '/ping', body: wanted }],
  ['in gzip', coded('gzip', zlib.gzipSync(wanted))],
  ['in deflate', coded('deflate', zlib.deflateSync(wanted))],
  ['in deflate without its wrapper', coded('deflate', zlib.deflateRawSync(wanted))],
  [
    'in two members of gzip',
    coded('gzip', Buffer.concat([zlib.gzipSync('SELECT name FROM hr.'), zlib.gzipSync('salaries')])),
  ],
  ['in gzip in other letters', coded('GZIP', zlib.gzipSync(wanted))],
  ['in gzip by another name', coded('x-gzip', zlib.gzipSync(wanted))],
  ['in no coding that is said', coded('identity', Buffer.from(wanted))],
  ['in a form', form('multipart/form-data', ['query', wanted])],
  ['in two fields of a form', form('multipart/form-data', ['query', 'SELECT name FROM hr.'], ['query', 'salaries'])],
  ['in a form in other letters', form('Multipart/Form-Data', ['query', wanted])],
  [
    'by the database of a form',
    form('multipart/form-data', ['database', 'hr'], ['query', 'SELECT name FROM salaries']),
  ],
  ['in URL and form', { ...form('multipart/form-data', ['query', 'salaries']), path: '/?query=SELECT+name+FROM+hr.' }],
  ['in quotes', { path: '/', body: 'SELECT name FROM "hr".`salaries`' }],
  ['in a table function', { path: '/', body: "SELECT name FROM merge('hr', '.*')" }],
  ['through another server', { path: '/', body: "SELECT name FROM remote('127.0.0.1', 'hr', 'salaries')" }],
  ['behind another statement', { path: '/', body: `SELECT 1; ${wanted}` }],
  ['behind a NUL', { path: '/', body: `SELECT 1\0; ${wanted}` }],
  ['in a subquery of VALUES', { path: '/', body: `INSERT INTO seen VALUES ((${wanted} LIMIT 1))` }],
  ['in data of VALUES', { path: '/?query=INSERT+INTO+seen+FORMAT+Values', body: `((${wanted} LIMIT 1))` }],
  ['behind a long comment', { path: '/', body: `SELECT /*${' '.repeat(70_000)}*/ name FROM hr.salaries` }],
  ['in a query of 20,000 columns', { path: '/', body: `SELECT ${'1,'.repeat(20_000)} name FROM hr.salaries` }],
]

describe.skipIf(program === null)('a rule on a table', () => {
  let lab: LabPki
  let server: ClickHouseServer
  let agent: Asker
  let reached = 0

  beforeAll(async () => {
    lab = makeLabPki(host)
    server = await startClickHouse(program ?? '', { certificate: lab.files })
    server.query('CREATE DATABASE hr')
    server.query('CREATE TABLE hr.salaries (name String) ENGINE = Memory')
    server.query(`INSERT INTO hr.salaries VALUES ('${secret}')`)
    server.query('CREATE TABLE seen (name String) ENGINE = Memory')
    agent = await startAsker({
      pki: lab.pki,
      host,
      upstreamPort: server.ports.https,
      limits: { inspectBytes: 65_536 },
      credentials: [aCredential('metrics', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { metrics: { '': clickHousePassword } },
      rules: [aRule('no-salaries', "'hr.salaries' in sql.tables", 'salaries are private')],
    })
  }, 40_000)
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  /** As the server itself takes it. */
  function askServer(asked: Asked): Promise<string> {
    const login = { 'X-ClickHouse-User': 'app', 'X-ClickHouse-Key': clickHousePassword }
    const direct = { protocol: 'http:', host: '127.0.0.1', port: server.ports.http, agent: false } as const
    return ask(direct, { ...asked, headers: { ...asked.headers, ...login } }).then(({ text }) => text)
  }

  /** What was copied; forgets it. */
  async function copied(): Promise<string> {
    const names = await askServer({ path: '/', body: 'SELECT name FROM seen' })
    if (names === '') return names
    await askServer({ path: '/', body: 'DROP TABLE seen' })
    await askServer({ path: '/', body: 'CREATE TABLE seen (name String) ENGINE = Memory' })
    return names
  }

  it.each(attacks)('holds where it is named %s', async (_what, asked) => {
    const direct = await askServer(asked)
    if (direct.includes(secret) || (await copied()).includes(secret)) reached += 1
    const { text } = await agent.ask(asked)
    expect(text).not.toContain(secret)
    expect(await copied()).toBe('')
  })

  it('lets forms pass that it can read', async () => {
    const asked = form('multipart/form-data', ['query', 'SELECT 40 + 2'], ['max_threads', '1'])
    expect((await agent.ask(asked)).text).toBe('42\n')
    expect(agent.gateway.actions.at(-1)?.seen.facts.sql).toMatchObject({
      statement: 'SELECT 40 + 2',
      settings: { max_threads: '1' },
    })
  })

  it.each<Asked>([
    { method: 'PUT', path: '/?query=INSERT+INTO+seen+FORMAT+TSV&unknown=1' },
    { method: 'GET', path: '/?query=INSERT+INTO+seen+FORMAT+TSV' },
    { method: 'DELETE', path: '/?query=INSERT+INTO+seen+FORMAT+TSV&unknown=1' },
    { method: 'POST', path: '/?query=INSERT+INTO+seen+FORMAT+TSV&unknown=1' },
  ])('holds for what the server would take for the next request: $method', async (asked) => {
    const hidden = `POST /?query=${url} HTTP/1.1\r\nX-Rest: `
    expect((await agent.ask({ ...asked, body: hidden })).status).toBeGreaterThan(400)
    expect(await agent.ask({ path: '/', body: ' LIMIT 1' })).toMatchObject({ status: 403 })
    expect((await agent.ask({ path: '/?query=SELECT+42', body: ' LIMIT 1' })).text).toBe('42\n')
  })

  it('was named so that the server itself found it, most of the time', () => {
    expect(reached).toBeGreaterThan(20)
  })
})
