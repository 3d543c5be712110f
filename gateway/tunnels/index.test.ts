import { describe, expect, it } from 'vitest'
import { sharingOf, tunnelSchema } from './common-settings.ts'
import { tunnelNamed, tunnels } from './index.ts'

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

function definition(type: string) {
  const found = tunnelNamed(type)
  if (found === undefined) throw new Error(`no tunnel ${type}`)
  return found
}

/** Everything said against settings: by the schema, else by the check of the type. */
function problems(type: string, settings: unknown): string[] {
  const { settings: schema, check } = definition(type)
  const parsed = schema.safeParse(settings)
  const found = parsed.success ? (check?.(parsed.data) ?? []) : parsed.error.issues
  return found.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const command = { command: ['cloud-sql-proxy', 'acme:eu:main'], listen: '127.0.0.1:15432' }
const oneOf = 'needs exactly one of pod, service, selector and template'

describe('the tunnel types', () => {
  it('are those of the language, with who shares one', () => {
    expect(tunnels.map(({ type, defaultShare }) => [type, defaultShare])).toEqual([
      ['kubernetes_port_forward', 'per_endpoint'],
      ['local_command', 'singleton'],
      ['ssh_port_forward', 'singleton'],
      ['tailscale', 'singleton'],
    ])
    expect(tunnelNamed('wireguard')).toBeUndefined()
  })

  it.each([
    ['ssh_port_forward', { bastion: 'jump.acme.test:22', user: 'gate', credential: 'jump-key', keepalive: 'always' }],
    ['ssh_port_forward', { user: 'gate', credential: 'jump-key', via: 'outer', share: 'per_conn' }],
    ['local_command', { ...command, ready_probe: 'tcp', share: 'per_endpoint', env: { A_B: '/run/gcp.json' } }],
    ['local_command', { ...command, ready_probe: 'none', ready_timeout: '1m', keepalive: '0' }],
    ['kubernetes_port_forward', { port: 5432, pod: 'db-0' }],
    ['kubernetes_port_forward', { port: '5432', service: 'db', context: 'live', namespace: 'data' }],
    ['kubernetes_port_forward', { port: 1, selector: { app: 'db' }, server: 'https://10.0.0.1:6443', ca_cert: pem }],
    ['kubernetes_port_forward', { port: 1, template: 'kind: Pod', cleanup: 'keep', cluster_name: 'l', region: 'r' }],
    ['tailscale', {}],
    ['tailscale', { authkey: '{{secret:KEY}}', hostname: 'gate', control_url: 'https://c.test/', tags: ['tag:gate'] }],
    ['tailscale', { oauth_client_secret: 'x', tags: ['tag:gate'], credential: 'office', state_dir: '/srv/ts' }],
  ])('%s takes %j', (type, settings) => {
    expect(problems(type, settings)).toEqual([])
  })

  it.each<[string, unknown, string[]]>([
    ['ssh_port_forward', { user: 'gate', bastion: 'j:22' }, ['credential: is required']],
    [
      'ssh_port_forward',
      { credential: 'k', bastion: 'j:22' },
      ['user: Invalid input: expected string, received undefined'],
    ],
    ['ssh_port_forward', { user: '', credential: 'k', via: 't' }, ['user: must not be empty']],
    [
      'ssh_port_forward',
      { user: 'u', credential: 'k' },
      ['bastion: needs bastion = "host:port", or via = TUNNEL that leads to one'],
    ],
    [
      'ssh_port_forward',
      { user: 'u', credential: 'k', bastion: 'j' },
      ['bastion: "j" is not host:port, port 1 to 65535'],
    ],
    ['local_command', { listen: '127.0.0.1:1' }, ['command: Invalid input: expected array, received undefined']],
    ['local_command', { ...command, command: [] }, ['command: must name a program']],
    ['local_command', { ...command, command: [''] }, ['command: must name a program']],
    ['local_command', { command: ['x'] }, ['listen: Invalid input: expected string, received undefined']],
    ['local_command', { ...command, listen: '15432' }, ['listen: "15432" is not host:port, port 1 to 65535']],
    [
      'local_command',
      { ...command, ready_probe: 'http' },
      ['ready_probe: Invalid option: expected one of "tcp"|"none"'],
    ],
    ['local_command', { ...command, ready_timeout: '0s' }, ['ready_timeout: "0s" must be above zero']],
    ['local_command', { ...command, env: { 'A=B': 'x' } }, ['env: has a name that no variable can have']],
    ['kubernetes_port_forward', { port: 1 }, [`pod: ${oneOf}: none is set`]],
    ['kubernetes_port_forward', { port: 1, pod: 'a', service: 'b' }, [`service: ${oneOf}: pod is set too`]],
    [
      'kubernetes_port_forward',
      { port: 1, selector: { a: 'b' }, template: 'x' },
      [`template: ${oneOf}: selector is set too`],
    ],
    ['kubernetes_port_forward', { pod: 'a' }, ['port: Invalid input: expected number, received undefined']],
    ['kubernetes_port_forward', { port: 0, pod: 'a' }, ['port: must be a port, 1 to 65535']],
    ['kubernetes_port_forward', { port: 1, pod: '' }, ['pod: must not be empty']],
    ['kubernetes_port_forward', { port: 1, selector: {} }, ['selector: must have a label']],
    [
      'kubernetes_port_forward',
      { port: 1, pod: 'a', cleanup: 'no' },
      ['cleanup: Invalid option: expected one of "delete"|"keep"'],
    ],
    [
      'kubernetes_port_forward',
      { port: 1, pod: 'a', server: 'https://h' },
      ['server: server needs ca_cert: the certificate of the API server is checked'],
    ],
    [
      'tailscale',
      { authkey: 'a', oauth_client_secret: 'b', tags: ['tag:x'] },
      ['oauth_client_secret: has authkey and oauth_client_secret: use one'],
    ],
    [
      'tailscale',
      { oauth_client_secret: 'b', tags: [] },
      ['oauth_client_secret: oauth_client_secret needs tags: its keys are for tagged nodes'],
    ],
    [
      'tailscale',
      { tags: ['gate'] },
      ['tags.0: "gate" is not a tag: write tag: and a name of letters, digits and hyphens'],
    ],
    [
      'tailscale',
      { authkey: 'a b' },
      ['authkey: must be a key, or {{secret:NAME}} with a name of letters, digits, underscores, dots and hyphens'],
    ],
    [
      'tailscale',
      { control_url: 'c.test' },
      ['control_url: "c.test" is not an http or https URL like https://control.example.com'],
    ],
    [
      'tailscale',
      { hostname: 'a.b' },
      ['hostname: "a.b" is not a DNS label: letters, digits and inner hyphens, at most 63 of them'],
    ],
  ])('%s refuses %j', (type, settings, wanted) => {
    expect(problems(type, settings)).toEqual(wanted)
  })
})

describe('what every tunnel has', () => {
  it('is in the settings of each type', () => {
    for (const { type, settings } of tunnels) {
      const shape = 'shape' in settings ? Object.keys(settings.shape as object) : []
      expect(shape.slice(0, 4), type).toEqual(Object.keys(tunnelSchema.shape))
    }
  })

  it.each([
    ['5m', 300_000],
    ['0', 0],
    ['0s', 0],
    ['always', 'always'],
  ])('reads keepalive = %j', (keepalive, wanted) => {
    expect(tunnelSchema.parse({ keepalive })).toEqual({ keepalive: wanted })
  })

  it.each([
    [{ share: 'global' }, 'Invalid option: expected one of "singleton"|"per_endpoint"|"per_conn"'],
    [
      { keepalive: '5 minutes' },
      '"5 minutes" has the unknown unit " minutes": use ns, us, ms, s, m or h; or always, or 0',
    ],
    [{ keepalive: '-1m' }, '"-1m" is negative: 0 closes it at once'],
    [{ keepalive: 'never' }, '"never" is not a duration: write it like 90s, 15m or 1h30m; or always, or 0'],
  ])('refuses %j', (settings, message) => {
    expect(tunnelSchema.safeParse(settings).error?.issues.map((issue) => issue.message)).toEqual([message])
  })

  it('falls back to the share of the type and five minutes', () => {
    const { share, keepalive } = sharingOf({ defaultShare: 'per_endpoint' }, {})
    expect([share, keepalive]).toEqual(['per_endpoint', 300_000])
    expect(sharingOf({ defaultShare: 'singleton' }, { share: 'per_conn', keepalive: 'always' })).toEqual({
      share: 'per_conn',
      keepalive: 'always',
    })
  })
})
