import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresSettings } from './definition.ts'
import { relay } from './relay.fixture.ts'
import { makePki, type Pki, type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aClientCertificate, aLogin, type Gateway, type GatewayParts, psql, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('logging in to PostgreSQL')

/** `I⁠X` is prepared to `IX`; the other holds a sign Unicode 3.2 does not know, and stays as it is. */
const oddPasswords = { prepared: 'I\u00adX\u00a0\u2168', asIs: '\ud83d\udd11\u00adk' }

const ed25519 = ['-newkey', 'ed25519']

const hba = [
  'host    all trusty   all trust',
  'host    all scrammer all scram-sha-256',
  'host    all prepared all scram-sha-256',
  'host    all asis     all scram-sha-256',
  'host    all expired  all scram-sha-256',
  'host    all md5er    all md5',
  'host    all clear    all password',
  'hostssl all certy    all cert',
  'hostssl all twofold  all scram-sha-256 clientcert=verify-full',
  'host    all unwanted all reject',
  'hostssl all tlsonly  all trust',
  'hostnossl all plainonly all trust',
]

const setup = `
  CREATE ROLE trusty LOGIN; CREATE ROLE certy LOGIN; CREATE ROLE unwanted LOGIN;
  CREATE ROLE tlsonly LOGIN; CREATE ROLE plainonly LOGIN;
  CREATE ROLE scrammer LOGIN PASSWORD 's3cret-of-scrammer'; CREATE ROLE twofold LOGIN PASSWORD 's3cret-of-twofold';
  CREATE ROLE prepared LOGIN PASSWORD '${oddPasswords.prepared}';
  CREATE ROLE asis LOGIN PASSWORD '${oddPasswords.asIs}';
  CREATE ROLE expired LOGIN PASSWORD 's3cret-of-expired' VALID UNTIL '2001-01-01';
  CREATE ROLE clear LOGIN PASSWORD 's3cret-of-clear';
  SET password_encryption = 'md5'; CREATE ROLE md5er LOGIN PASSWORD 's3cret-of-md5er';
`

const secrets = {
  trusty: { '': 'unused' },
  scrammer: { '': 's3cret-of-scrammer' },
  twofold: { '': 's3cret-of-twofold' },
  prepared: { '': 'IX IX' },
  asis: { '': oddPasswords.asIs },
  expired: { '': 's3cret-of-expired' },
  clear: { '': 's3cret-of-clear' },
  md5er: { '': 's3cret-of-md5er' },
  wrong: { '': 'not-the-s3cret' },
  unwanted: { '': 's3cret-of-unwanted' },
  tlsonly: { '': 'unused' },
  plainonly: { '': 'unused' },
}

describe.skipIf(programs === null)('openUpstream()', () => {
  let pki: Pki
  /** With a certificate of the authority for db.test. */
  let server: PostgresServer
  /** Without TLS. */
  let plain: PostgresServer
  /** With a certificate that vouches for itself, and whose signature has no hash to bind to. */
  let lone: PostgresServer

  beforeAll(async () => {
    if (programs === null) return
    pki = makePki()
    server = await startServer(programs, { hba, setup, certificate: pki.issue('db.test'), clientCa: pki.ca })
    plain = await startServer(programs, { hba: hba.filter((line) => !line.startsWith('hostssl')), setup })
    lone = await startServer(programs, { hba, setup, certificate: pki.selfSigned('db.test', ...ed25519) })
  })

  afterAll(() => {
    for (const each of [server, plain, lone, pki]) each?.[Symbol.dispose]()
  })

  async function gatewayTo(
    to: PostgresServer,
    login: string | null,
    settings: Partial<PostgresSettings> = {},
    more: Partial<GatewayParts> = {},
  ): Promise<Gateway> {
    const [name = '', user = name] = login?.split(':') ?? []
    return await startGateway({
      serve: relay,
      settings: { host: 'db.test:5432', sslmode: 'verify-full', ca_cert: pki.ca, ...settings },
      serverPort: to.port,
      credentials: login === null ? [] : [aLogin(name, user)],
      secrets,
      ...more,
    })
  }

  /** What psql says when it asks who it is, through a gateway. */
  async function whoami(gateway: Gateway, words = ''): Promise<string> {
    const asked = 'select current_user, current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()'
    const ran = await psql(
      `host=127.0.0.1 port=${gateway.port} user=agent dbname=postgres sslmode=disable ${words}`,
      asked,
    )
    expect(gateway.faults).toEqual([])
    for (const { '': secret } of Object.values(secrets)) expect(ran.stderr).not.toContain(secret)
    return ran.code === 0 || ran.code === null ? ran.stdout : ran.stderr.replace(/^.*?(FATAL:)/s, '$1')
  }

  it.each([
    ['no password', 'trusty'],
    ['SCRAM bound to the TLS connection', 'scrammer'],
    ['SCRAM and a password that is prepared', 'prepared'],
    ['SCRAM and a password that cannot be prepared', 'asis'],
    ['MD5', 'md5er'],
    ['the password over TLS', 'clear'],
  ])('logs in over TLS with %s', async (_, user) => {
    await using gateway = await gatewayTo(server, user)
    expect(await whoami(gateway)).toBe(`${user}|postgres|t`)
    expect(gateway.dialled).toEqual(['db.test:5432'])
  })

  it.each(['trusty', 'scrammer', 'md5er'])('logs in without TLS as %s', async (user) => {
    await using gateway = await gatewayTo(plain, user, { sslmode: 'disable' })
    expect(await whoami(gateway)).toBe(`${user}|postgres|f`)
  })

  it('says no word of a password in clear text without TLS', async () => {
    await using gateway = await gatewayTo(plain, 'clear', { sslmode: 'prefer' })
    expect(await whoami(gateway)).toContain('asks for the password in clear text, and the connection is not encrypted')
  })

  it('is refused in the words of the server', async () => {
    for (const [login, words] of [
      ['wrong:scrammer', 'password authentication failed for user "scrammer"'],
      ['wrong:md5er', 'password authentication failed for user "md5er"'],
      ['wrong:clear', 'password authentication failed for user "clear"'],
      ['expired', 'password authentication failed for user "expired"'],
      ['unwanted', 'pg_hba.conf rejects connection for host "127.0.0.1", user "unwanted"'],
    ] as const) {
      await using gateway = await gatewayTo(server, login)
      expect(await whoami(gateway)).toMatch(new RegExp(`^FATAL:  .*${words.replaceAll('.', '\\.')}`))
    }
    await using gateway = await gatewayTo(server, 'trusty')
    expect(await whoami(gateway, 'dbname=nowhere')).toBe('FATAL:  database "nowhere" does not exist')
  })

  it('logs in with a client certificate, alone or beside a password', async () => {
    for (const user of ['certy', 'twofold']) {
      const { cert, key } = pki.issue(user)
      const credentials = [aClientCertificate('device'), ...(user === 'twofold' ? [aLogin('twofold', 'twofold')] : [])]
      const all = { credentials, secrets: { ...secrets, device: { cert, key } } }
      await using gateway = await gatewayTo(server, null, {}, all)
      expect(await whoami(gateway, `user=${user}`)).toBe(`${user}|postgres|t`)
    }
  })

  it('says when the client certificate is missing, foreign or broken', async () => {
    await using without = await gatewayTo(server, null)
    expect(await whoami(without, 'user=certy')).toContain('connection requires a valid client certificate')
    const foreign = pki.selfSigned('certy')
    for (const [device, words] of [
      [foreign, 'the upstream wants a client certificate or refused the one given'],
      [{ ...foreign, key: 'no key' }, 'is not PEM that can be used'],
      [null, 'no secret is stored for credential "device"'],
    ] as const) {
      const all = { credentials: [aClientCertificate('device')], secrets: { device } }
      await using gateway = await gatewayTo(server, null, {}, all)
      expect(await whoami(gateway, 'user=certy')).toContain(words)
    }
  })

  it('opens a session as the agent itself where no credential is bound, and has no password for it', async () => {
    await using gateway = await gatewayTo(server, null)
    expect(await whoami(gateway, 'user=trusty')).toBe('trusty|postgres|t')
    expect(await whoami(gateway, 'user=scrammer')).toContain('asks for a password, and no postgres_credential is bound')
    await using missing = await gatewayTo(server, 'nosecret:scrammer')
    expect(await whoami(missing)).toContain('no secret is stored for credential "nosecret"')
  })

  describe('with sslmode', () => {
    const ok = (user: string, ssl: 't' | 'f') => `${user}|postgres|${ssl}`
    it.each([
      ['disable', 'trusty', ok('trusty', 'f'), ok('trusty', 'f'), ok('trusty', 'f')],
      ['prefer', 'trusty', ok('trusty', 't'), ok('trusty', 'f'), ok('trusty', 't')],
      ['require', 'trusty', ok('trusty', 't'), 'the server has no TLS, and sslmode is "require"', ok('trusty', 't')],
      [
        'verify-full',
        'trusty',
        ok('trusty', 't'),
        'the server has no TLS',
        'the certificate of the upstream is not trusted',
      ],
      ['disable', 'scrammer', ok('scrammer', 'f'), ok('scrammer', 'f'), ok('scrammer', 'f')],
      ['require', 'scrammer', ok('scrammer', 't'), 'the server has no TLS', ok('scrammer', 't')],
    ] as const)('%s as %s', async (sslmode, user, withCa, withoutTls, withOwn) => {
      const settings = { host: 'db.test:5432', sslmode }
      const roots = { ca_cert: sslmode === 'verify-full' ? pki.ca : undefined }
      for (const [to, wanted] of [
        [server, withCa],
        [plain, withoutTls],
        [lone, withOwn],
      ] as const) {
        await using gateway = await startGateway({
          serve: relay,
          settings: { ...settings, ...roots },
          serverPort: to.port,
          credentials: [aLogin(user, user)],
          secrets,
        })
        expect(await whoami(gateway)).toContain(wanted)
      }
    })

    it('verify-full refuses a certificate for another name', async () => {
      await using gateway = await gatewayTo(server, 'trusty', { host: 'other.test:5432' })
      expect(await whoami(gateway)).toContain('the certificate of the upstream is for another name')
    })

    it('verify-full takes a certificate that vouches for itself where it is the root', async () => {
      const certificate = pki.selfSigned('db.test')
      expect(new X509Certificate(certificate.cert).ca).toBe(true)
      await using own = await startServer(programs ?? '', { hba, setup, certificate })
      await using gateway = await gatewayTo(own, 'scrammer', { ca_cert: certificate.cert })
      expect(await whoami(gateway)).toBe('scrammer|postgres|t')
    })
  })
})
