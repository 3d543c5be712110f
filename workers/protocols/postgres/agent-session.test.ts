import net from 'node:net'
import tls from 'node:tls'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { relay } from './relay.fixture.ts'
import { postgres } from './runtime.ts'
import { makePki, type Pki, type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aLogin, aRule, type Gateway, type GatewayParts, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('sessions of agents with PostgreSQL')

describe.skipIf(programs === null)('a session', () => {
  let pki: Pki
  let server: PostgresServer
  let gateways: Gateway[] = []

  beforeAll(async () => {
    if (programs === null) return
    pki = makePki()
    server = await startServer(programs, {
      certificate: pki.issue('db.test'),
      hba: ['hostssl all app all scram-sha-256'],
      setup: "CREATE ROLE app LOGIN PASSWORD 'pw'; CREATE ROLE other; GRANT other TO app; CREATE SCHEMA secret",
    })
  })
  afterAll(() => {
    server?.[Symbol.dispose]()
    pki?.[Symbol.dispose]()
  })
  beforeEach(() => {
    gateways = []
  })
  afterEach(async () => {
    for (const gateway of gateways) {
      await gateway[Symbol.asyncDispose]()
      expect(gateway.faults).toEqual([])
    }
  })

  async function gatewayWith(more: Partial<GatewayParts> = {}): Promise<Gateway> {
    const { cert, key } = pki.issue('db.test', '127.0.0.1')
    const gateway = await startGateway({
      serve: relay,
      settings: { host: 'db.test:5432', sslmode: 'verify-full', ca_cert: pki.ca },
      serverPort: server.port,
      certificate: { key, chain: cert, renewAt: 0 },
      credentials: [aLogin('app', 'app')],
      secrets: { app: { '': 'pw' } },
      targetName: 'db.test',
      ...more,
    })
    gateways.push(gateway)
    return gateway
  }

  const to = ({ port }: Gateway, words = '') => `hostaddr=127.0.0.1 port=${port} user=agent dbname=postgres ${words}`

  it.each([
    'disable',
    'allow',
    'prefer',
    'require',
    'verify-ca',
    'verify-full',
  ])('of psql with sslmode=%s', async (sslmode) => {
    const gateway = await gatewayWith()
    const connection = to(gateway, `host=db.test sslmode=${sslmode} sslrootcert=${pki.caFile}`)
    const ran = await psql(connection, 'select current_user', '\\conninfo')
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toMatch(/^app\n/)
    expect(ran.stdout.includes('SSL connection')).toBe(!/disable|allow/.test(sslmode))
  })

  it('of psql is refused by psql where it does not trust the gateway, or meant another', async () => {
    const gateway = await gatewayWith()
    using elsewhere = makePki()
    const trusting = to(gateway, `host=db.test sslmode=verify-full sslrootcert=${elsewhere.caFile}`)
    const stranger = await psql(trusting, 'select 1')
    expect(stranger.stderr).toContain('certificate verify failed')
    const another = await psql(to(gateway, `host=x.test sslmode=verify-full sslrootcert=${pki.caFile}`), 'select 1')
    expect(another.stderr).toContain('does not match host name "x.test"')
  })

  it('of node-postgres with TLS, and without any password', async () => {
    const { port } = await gatewayWith()
    const ssl = { ca: pki.ca, servername: 'db.test' }
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'agent', database: 'postgres', ssl })
    await client.connect()
    const { rows } = await client.query('select current_user as who, $1::int + 1 as sum', [41])
    expect(rows).toEqual([{ who: 'app', sum: 42 }])
    await client.end()
  })

  it('has the settings and the database the agent asked for', async () => {
    const options = "options='-c search_path=secret -c work_mem=7MB -crole=other --statement-timeout=5s'"
    const names = ['application_name', 'search_path', 'work_mem', 'role', 'statement_timeout', 'client_encoding']
    const asked = names.map((name) => `current_setting('${name}')`).join(', ')
    const gateway = await gatewayWith()
    const connection = to(gateway, `${options} application_name='my app' client_encoding=LATIN1 dbname=template1`)
    const ran = await psql(connection, `select current_database(), ${asked}`)
    expect(ran.stdout).toBe('template1|my app|secret|7MB|other|5s|LATIN1')
  })

  it('is told that options of the protocol are not known, and which version it gets', async () => {
    const { port } = await gatewayWith()
    const body = Buffer.from('user\0a\0database\0postgres\0_pq_.mine\0on\0\0')
    const head = Buffer.from([0, 0, 0, body.length + 8, 0, 3, 0, 2])
    const socket = net.connect(port, '127.0.0.1')
    socket.write(Buffer.concat([head, body]))
    const said = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
    socket.destroy()
    const name = Buffer.from('_pq_.mine\0')
    const negotiation = Buffer.concat([Buffer.from([0x76, 0, 0, 0, 22, 0, 3, 0, 0, 0, 0, 0, 1]), name])
    const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
    expect(said.subarray(0, 32)).toEqual(Buffer.concat([negotiation, authenticationOk]))
  })

  it('says which credentials there are where none fits', async () => {
    const credentials = [aLogin('app', 'app', { user: 'app' }), aLogin('b', 'b', { user: 'b' })]
    const gateway = await gatewayWith({ credentials })
    expect((await psql(to(gateway), 'select 1')).stderr).toMatch(
      /FATAL: {2}no credential.*user "agent" \(known: app, b\)/,
    )
    expect((await psql(to(gateway, 'user=app'), 'select current_user')).stdout).toBe('app')
  })

  describe('whose statement is cancelled', () => {
    it.each(['in the clear', 'over TLS'])('%s', async (way) => {
      const gateway = await gatewayWith()
      const { port } = gateway
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'agent', database: 'postgres' })
      await client.connect()
      const running = client.query('select pg_sleep(60)').catch((error: { code?: string }) => error.code)
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
      const isActive = () => server.sql(`select state from pg_stat_activity where pid = ${processID}`) === 'active'
      // the query goes through this very thread
      while (!isActive()) await new Promise(setImmediate)
      const request = Buffer.from([0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 0, 0, 0, 0, 0])
      request.writeInt32BE(processID, 8)
      request.writeInt32BE(secretKey, 12)
      const tlsOptions = { port, host: '127.0.0.1', ca: pki.ca, ALPNProtocols: ['postgresql'] }
      const socket = way === 'over TLS' ? tls.connect(tlsOptions) : net.connect(port, '127.0.0.1')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => undefined).write(request)
      expect(await running).toBe('57014')
      await closed
      expect(gateway.actions).toMatchObject([
        { kind: 'allow', seen: { title: 'CANCEL' }, closing: { status: 'CANCEL', error: null, bytesUp: 16 } },
      ])
      await client.end()
    })

    it('is not where a rule says no, and the record says why where it cannot be', async () => {
      const request = Buffer.from([0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2])
      const denying = { rules: [aRule('no cancels', "sql.verb == 'cancel'", 'no')] }
      const unreachable = { serverPort: 1 }
      for (const [more, status] of [
        [denying, 'denied'],
        [unreachable, 'error'],
      ] as const) {
        const gateway = await gatewayWith(more)
        const socket = net.connect(gateway.port, '127.0.0.1')
        socket.on('error', () => undefined).write(request)
        await new Promise((resolve) => socket.once('close', resolve))
        await gateway.idle()
        expect(gateway.actions).toMatchObject([{ seen: { title: 'CANCEL' }, closing: { status, bytesUp: 0 } }])
        expect(gateway.dialled).toHaveLength(status === 'denied' ? 0 : 1)
      }
    })
  })

  describe('with settings that are judged', () => {
    const rules = [aRule('no roles', "sql.verb == 'set role'", 'stay who you are')]
    const serve = (session: Parameters<typeof postgres.serve>[0]) => postgres.serve(session as never)

    it('is not opened where one is denied', async () => {
      const gateway = await gatewayWith({ serve, rules })
      const ran = await psql(to(gateway, "options='-c search_path=secret -c role=other'"), 'select 1')
      expect(ran.stderr).toMatch(/FATAL: {2}clawpatrol denied a setting of the startup packet: stay who you are/)
      await gateway.idle()
      expect(gateway.dialled).toEqual([])
      expect(gateway.actions.map(({ seen, kind, closing }) => [seen.title, kind, closing?.status])).toEqual([
        ["SET search_path TO E'secret'", 'allow', 'error'],
        ["SET ROLE E'other'", 'deny', 'denied'],
      ])
    })

    it('is opened where all are allowed, and harmless ones are nobody’s business', async () => {
      const gateway = await gatewayWith({ serve, rules })
      const connection = to(gateway, "options='-c search_path=secret -c TimeZone=UTC' application_name=x")
      expect((await psql(connection, 'show search_path')).stdout).toBe('secret')
      await gateway.idle()
      expect(gateway.actions.map(({ seen, closing }) => [seen.title, closing?.status])).toEqual([
        ["SET search_path TO E'secret'", 'SET'],
        ['show search_path', 'SHOW'],
      ])
    })

    it('is denied over TLS in words the agent can read', async () => {
      const gateway = await gatewayWith({ serve, rules })
      const connection = to(gateway, `host=db.test sslmode=verify-full sslrootcert=${pki.caFile}`)
      const ran = await psql(`${connection} options='-c role=other'`, 'select 1')
      expect(ran.stderr).toContain('stay who you are')
    })
  })
})
