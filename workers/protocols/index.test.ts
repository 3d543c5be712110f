import { describe, expect, it } from 'vitest'
import { protocolNamed, protocols } from './index.ts'

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

function definition(type: string) {
  const found = protocolNamed(type)
  if (found === undefined) throw new Error(`no protocol ${type}`)
  return found
}

/** Everything said against settings: by the schema, else by the check of the type. */
function problems(type: string, settings: unknown): string[] {
  const { settings: schema, check } = definition(type)
  const parsed = schema.safeParse(settings)
  const found = parsed.success ? (check?.(parsed.data) ?? []) : parsed.error.issues
  return found.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

function hostsOf(type: string, settings: unknown): readonly string[] {
  const { settings: schema, hosts } = definition(type)
  return hosts(schema.parse(settings))
}

describe('the endpoint types', () => {
  it('are those of the language, with what their rules read, what they take and their usual port', () => {
    const facts = protocols.map(({ type, families, accepts, defaultPort }) => [
      type,
      families.map(({ name }) => name),
      accepts,
      defaultPort,
    ])
    expect(facts).toEqual([
      ['clickhouse_https', ['sql', 'http'], ['http', 'login', 'tls'], 443],
      ['clickhouse_native', ['sql'], ['login', 'tls'], 9000],
      ['https', ['http'], ['http', 'tls'], 443],
      ['kubernetes', ['k8s', 'http'], ['http', 'tls'], 443],
      ['openai_codex_https', ['http'], ['http', 'tls'], 443],
      ['postgres', ['sql'], ['login', 'tls'], 5432],
      ['ssh', ['ssh'], ['ssh'], 22],
    ])
    expect(protocolNamed('http')).toBeUndefined()
  })

  it.each<[string, unknown, string[]]>([
    ['openai_codex_https', { hosts: ['chatgpt.com'] }, ['chatgpt.com', 'auth.openai.com']],
    ['openai_codex_https', { hosts: ['Auth.OpenAI.com:443'] }, ['Auth.OpenAI.com:443']],
    ['kubernetes', { server: '10.40.0.10:6443', ca_cert: pem }, ['10.40.0.10:6443']],
    ['kubernetes', { hosts: ['*.eks.acme.test'], cluster_name: 'live', region: 'eu-west-1' }, ['*.eks.acme.test']],
    ['kubernetes', { hosts: ['a.test'], server: 'b.test' }, ['a.test']],
    ['kubernetes', { hosts: [], server: '[fd00::1]:6443' }, ['[fd00::1]:6443']],
    ['kubernetes', { server: 'fd00::1', upstream: '127.0.0.1:6443' }, ['fd00::1']],
    [
      'postgres',
      { host: 'orders-db.acme.test:5432', sslmode: 'verify-full', ca_cert: pem },
      ['orders-db.acme.test:5432'],
    ],
    ['postgres', { host: '[fd00::1]:5433' }, ['[fd00::1]:5433']],
    ['clickhouse_native', { hosts: ['metrics.internal'], tls: true }, ['metrics.internal:9440']],
    ['clickhouse_native', { hosts: ['a.test', 'b.test:1', '10.0.0.1'] }, ['a.test:9000', 'b.test:1', '10.0.0.1:9000']],
    ['clickhouse_native', { hosts: ['*.ch.test'], port: '9001', tls: 'true' }, ['*.ch.test:9001']],
    ['clickhouse_native', { hosts: ['fd00::1', '[fd00::2]'] }, ['[fd00::1]:9000', '[fd00::2]:9000']],
    ['clickhouse_https', { hosts: ['ch.test', 'ch.test:81'], tls: false }, ['ch.test:8123', 'ch.test:81']],
    ['clickhouse_https', { hosts: ['ch.test:8443'], upstream: '127.0.0.1:8443', ca_cert: pem }, ['ch.test:8443']],
    [
      'ssh',
      { hosts: ['builder.acme.test:22', 'builder.acme.test:2222'] },
      ['builder.acme.test:22', 'builder.acme.test:2222'],
    ],
    // the configuration warns of endpoints that are never reached
    ['kubernetes', {}, []],
    ['kubernetes', { hosts: [] }, []],
  ])('%s %j claims %j', (type, settings, hosts) => {
    expect(problems(type, settings)).toEqual([])
    expect(hostsOf(type, settings)).toEqual(hosts)
  })

  it('leave entries that are no hosts to be refused as they are written', () => {
    const hosts = ['', 'https://a.test', 'a.test:99999', 'a:b:c:x']
    expect(hostsOf('clickhouse_native', { hosts })).toEqual(hosts)
  })

  it.each([
    ['openai_codex_https', {}],
    ['clickhouse_native', {}],
    ['clickhouse_https', {}],
    ['ssh', {}],
    ['postgres', {}],
  ])('%s needs to be told where it is', (type, settings) => {
    expect(problems(type, settings)).toEqual([
      `${type === 'postgres' ? 'host' : 'hosts'}: Invalid input: expected ${type === 'postgres' ? 'string' : 'array'}, received undefined`,
    ])
  })

  it.each<[string, unknown, string[]]>([
    [
      'kubernetes',
      { server: 'https://h:6443' },
      ['server: "https://h:6443" is a URL: write host or host:port without https:// and path'],
    ],
    ['kubernetes', { server: 'h:0' }, ['server: "h:0" has an invalid port: 1 to 65535']],
    ['kubernetes', { server: 'h:x' }, ['server: "h:x" has an invalid port: 1 to 65535']],
    ['kubernetes', { server: 'h/path' }, ['server: "h/path" is not host or host:port']],
    ['kubernetes', { server: '*.h.test' }, ['server: "*.h.test" is not host or host:port']],
    ['kubernetes', { server: '' }, ['server: "" is not host or host:port']],
    [
      'kubernetes',
      { server: 'h', region: 'eu west' },
      ['region: "eu west" is not a name: letters, digits, hyphens and underscores'],
    ],
    [
      'kubernetes',
      { server: 'h', ca_cert: 'x' },
      ['ca_cert: no certificate in it: expected PEM starting -----BEGIN CERTIFICATE-----'],
    ],
    ['postgres', { host: 'db' }, ['host: "db" is not host:port, port 1-65535: write the port too, usually 5432']],
    ['postgres', { host: 'db:0' }, ['host: "db:0" is not host:port, port 1-65535: write the port too, usually 5432']],
    [
      'postgres',
      { host: 'db:1', sslmode: 'verify' },
      ['sslmode: Invalid option: expected one of "disable"|"prefer"|"require"|"verify-full"'],
    ],
    [
      'postgres',
      { host: 'db:1', ca_cert: pem },
      ['ca_cert: ca_cert needs sslmode = "verify-full": otherwise no certificate is checked'],
    ],
    ['postgres', { host: 'db:1', database: 'x' }, [': Unrecognized key: "database"']],
    [
      'clickhouse_native',
      { hosts: ['a'], accept_invalid_certificate: true },
      ['accept_invalid_certificate: accept_invalid_certificate needs tls = true: without TLS there is no certificate'],
    ],
    ['clickhouse_native', { hosts: ['a'], port: 0 }, ['port: must be a port, 1 to 65535']],
    [
      'clickhouse_https',
      { hosts: ['a'], tls: false, ca_cert: pem },
      ['ca_cert: ca_cert needs TLS: with tls = false no certificate is checked'],
    ],
    ['clickhouse_https', { hosts: ['a'], port: 8443 }, [': Unrecognized key: "port"']],
    ['ssh', { hosts: 'a' }, ['hosts: Invalid input: expected array, received string']],
    ['ssh', { hosts: ['a'], user: 'root' }, [': Unrecognized key: "user"']],
  ])('%s refuses %j', (type, settings, wanted) => {
    expect(problems(type, settings)).toEqual(wanted)
  })

  it.each([
    [{ server: 'h', cluster_name: 'live' }, 'cluster_name has no effect without region'],
    [{ server: 'h', region: 'eu-west-1' }, 'region has no effect without cluster_name'],
  ])('warn of what has no effect: kubernetes %j', (settings, message) => {
    const { settings: schema, check } = definition('kubernetes')
    const [path] = message.split(' ')
    expect(check?.(schema.parse(settings))).toEqual([{ path: [path], message, severity: 'warning' }])
  })

  it('take a self-signed certificate only where it is asked for with tls', () => {
    expect(problems('clickhouse_native', { hosts: ['a'], tls: true, accept_invalid_certificate: true })).toEqual([])
    expect(problems('clickhouse_native', { hosts: ['a'], accept_invalid_certificate: false })).toEqual([])
  })
})
