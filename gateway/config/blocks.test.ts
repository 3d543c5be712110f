import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem } from './diagnostics.ts'
import { type LoadOptions, loadPolicy } from './load-policy.ts'

const head = `schema_version = 1
gateway {
  public_url = "https://gate.test"
  log_path   = "/var/log/clawpatrol.log"
  wireguard {
    subnet_cidr = "10.55.0.0/24"
  }
  genai_telemetry {
  }
}
`
const api = 'endpoint "https" "api" {\n  hosts = ["api.test"]\n}\n'
const open = 'credential "passthrough" "open" {\n  endpoints = [https.api]\n}\n'
const profile = 'profile "agents" {\n  credentials = [passthrough.open]\n}\n'
const base = head + api + open + profile
const key = 'credential "ssh_key" "key" {\n}\n'
const tunnel = (name: string, ...lines: string[]) =>
  `tunnel "ssh_port_forward" "${name}" {\n  user = "gate"\n  credential = ssh_key.key\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
const rule = (name: string, ...lines: string[]) =>
  `rule "${name}" {\n  endpoint = https.api\n${lines.map((line) => `  ${line}\n`).join('')}}\n`

describe('loadPolicy() compiles', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-blocks-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = (text: string, options: LoadOptions = {}) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, text)
    return loadPolicy(path, options)
  }
  const loaded = async (text: string) => {
    const { policy, problems } = await load(text)
    if (policy === null) throw new Error(problems.map(formatProblem).join('\n'))
    return { policy, warnings: problems.map(({ message }) => message) }
  }

  it('what the gateway block says', async () => {
    const { policy, warnings } = await loaded(base)
    expect(policy.gateway).toMatchObject({
      publicUrl: 'https://gate.test',
      logPath: '/var/log/clawpatrol.log',
      genaiTelemetry: { includeMessageContent: false },
      wireguard: { endpoint: { host: 'gate.test', port: 51820 } },
    })
    expect(warnings).toEqual(['genai_telemetry has no effect: it is not in this version yet'])
  })

  it('the settings of approvals, as they hold where nothing is said', async () => {
    const { policy } = await loaded(base)
    expect(policy.defaults).toEqual({ unknownHost: 'splice', unmatched: 'allow' })
    expect(policy.approvals).toEqual({
      humanTimeoutMs: 600_000,
      humanOnTimeout: 'deny',
      llmFailMode: 'closed',
      llmCacheTtlMs: 0,
      asyncProfiles: [],
    })
    expect([...policy.approvers.values()]).toEqual([
      { name: 'dashboard', type: 'builtin', settings: {}, timeoutMs: 600_000 },
    ])
  })

  it('the settings of approvals, as they are written', async () => {
    const { policy, warnings } = await loaded(
      `${base.replace('[passthrough.open]\n', '[passthrough.open]\n  hitl_async_grants = "true"\n')}
defaults {
  unknown_host     = "deny"
  human_timeout    = 90
  human_on_timeout = "allow"
  llm_fail_mode    = "open"
  llm_cache_ttl    = 30
}
credential "slack_tokens" "ops" {
}
approver "human_approver" "people" {
  channel           = "#ops"
  credential        = slack_tokens.ops
  timeout           = 20
  classifier        = llm_approver.judge
  sync_wait_timeout = "5s"
  async_grant {
    enabled = true
  }
}
approver "llm_approver" "judge" {
  model      = "claude-x"
  credential = "open"
}
`,
    )
    expect(policy.defaults.unknownHost).toBe('deny')
    expect(policy.approvals).toEqual({
      humanTimeoutMs: 90_000,
      humanOnTimeout: 'allow',
      llmFailMode: 'open',
      llmCacheTtlMs: 30_000,
      asyncProfiles: ['agents'],
    })
    expect([...policy.approvers.values()].map(({ name, timeoutMs }) => [name, timeoutMs])).toEqual([
      ['dashboard', 90_000],
      ['people', 20_000],
      ['judge', 90_000],
    ])
    expect(policy.approvers.get('people' as never)?.settings).toEqual({
      channel: '#ops',
      credential: 'ops',
      timeout: 20,
      classifier: 'judge',
      sync_wait_timeout: '5s',
      async_grant: { enabled: true },
    })
    expect(warnings).toEqual(['genai_telemetry has no effect: it is not in this version yet'])
  })

  it('tunnels, and which endpoint is reached through which', async () => {
    const { policy } = await loaded(
      base.replace('["api.test"]\n', '["api.test", "10.0.0.9"]\n  tunnel = ssh_port_forward.inner\n') +
        key +
        tunnel('inner', 'via = ssh_port_forward.outer', 'keepalive = "always"', 'share = "per_conn"') +
        tunnel('outer', 'bastion = "jump.test:22"'),
    )
    expect([...policy.tunnels.values()]).toMatchObject([
      { name: 'inner', share: 'per_conn', keepaliveMs: null, via: 'outer', credential: 'key' },
      { name: 'outer', share: 'singleton', keepaliveMs: 300_000, via: null, type: 'ssh_port_forward' },
    ])
    expect([...policy.profiles.values()][0]?.endpoints[0]?.via).toBe('inner')
    expect(policy.endpoints[0]?.via).toBe('inner')
  })

  it('plugins, without starting them', async () => {
    const { policy } = await loaded(
      `${base}plugin "redis" {\n  source = "github.com/acme/redis"\n  version = ">= 1.0, < 2.0"\n  read_paths = ["~/certs"]\n}\n`,
    )
    expect(policy.plugins).toEqual([
      {
        name: 'redis',
        source: 'github.com/acme/redis',
        version: '>= 1.0, < 2.0',
        provenance: 'warn',
        network: null,
        sandbox: 'enforce',
        readPaths: ['~/certs'],
      },
    ])
  })

  it('what picks a credential from the attributes of its own type, overlaid by the profile', async () => {
    const login = (name: string, database: string) =>
      `credential "postgres_credential" "${name}" {\n  endpoint = postgres.db\n  user = "app"\n  database = "${database}"\n}\n`
    const { policy } = await loaded(
      `${head}endpoint "postgres" "db" {\n  host = "db.test:5432"\n}\n${login('a', 'one')}${login('b', 'two')}` +
        'profile "p" {\n  credentials = [postgres_credential.a, { credential = postgres_credential.b, user = "root" }]\n}\n',
    )
    expect([...policy.profiles.values()][0]?.endpoints[0]?.credentials.map((each) => each.disambiguator)).toEqual([
      { user: 'app', database: 'one' },
      { user: 'root', database: 'two' },
    ])
  })

  it('rules over several types of one family with the variables all of them have', async () => {
    const both = (condition: string) =>
      `${head}endpoint "postgres" "db" {\n  host = "db.test:5432"\n}\nendpoint "clickhouse_https" "ch" {\n  hosts = ["ch.test"]\n}\n` +
      `rule "r" {\n  endpoints = [postgres.db, clickhouse_https.ch]\n  condition = "${condition}"\n  verdict = "deny"\n}\n`
    expect((await load(both("sql.verb == 'drop' && profile == 'x'"))).policy).not.toBeNull()
    const { problems } = await load(both("http.method == 'POST'"))
    expect(problems[0]?.message).toMatch(/^condition: .*http/)
  })

  it('takes a shadow rule for no rule when it looks for rules that are never reached', async () => {
    const catchAll = (mode: string) => rule('all', 'verdict = "deny"', `mode = "${mode}"`, 'priority = 5')
    const late = rule('late', 'verdict = "allow"', 'condition = "http.method == \'get\'"')
    const told = async (text: string) => (await loaded(text)).warnings.filter((each) => /never reached/.test(each))
    expect(await told(base + catchAll('shadow') + late)).toEqual([])
    expect(await told(base + catchAll('enforce') + late)).toHaveLength(1)
    expect(await told(base + catchAll('enforce') + late.replace('verdict', 'mode = "shadow"\n  verdict'))).toHaveLength(
      1,
    )
  })

  it.each([
    ["has(k8s.params.command) && k8s.params.command == 'sh'", []],
    ["'command' in k8s.params && k8s.params['command'] == 'sh'", []],
    ["'command' in k8s.all_params && k8s.params.command == 'sh'", []],
    ["k8s.params == {'a': 'b'}", []],
    ["k8s.verb == 'x' && k8s.params.command == 'sh'", ['k8s.params.command']],
    ["has(k8s.params.other) && k8s.params['command'] == 'sh'", ["k8s.params['command']"]],
    ["['a'].exists(x, k8s.params.container == x)", ['k8s.params.container']],
  ])('warns of parameters read without a guard: %s', async (condition, marked) => {
    const { problems } = await load(
      `${head}endpoint "kubernetes" "k" {\n  server = "k.test"\n}\nrule "r" {\n  endpoint = kubernetes.k\n  condition = "${condition}"\n  verdict = "deny"\n}\n`,
    )
    const reads = problems.filter(({ message }) => message.startsWith('condition: reads'))
    expect(reads.map(({ place }) => place && condition.slice(place.column - 16, place.endColumn - 16))).toEqual(marked)
  })

  it('warns of {{secret:…}} where nothing replaces it', async () => {
    const { warnings } = await loaded(`${base}${rule('r', 'verdict = "deny"', 'reason = "ask {{secret:X}}"')}`)
    expect(warnings).toContain('reason: {{secret:…}} is not replaced here')
    const local =
      'tunnel "local_command" "l" {\n  command = ["x"]\n  listen = "127.0.0.1:1"\n  env = { K = "{{secret:X}}" }\n}\n'
    expect((await loaded(base + local)).warnings).toHaveLength(1)
  })

  it('shows no secret of an attribute nobody knows in a frame', async () => {
    const { problems } = await load(`${base}credential "bearer_token" "t" {\n  token = "s3cr3t-1"\n}\n`)
    expect(problems[0]?.message).toMatch(/unsupported argument "token"/)
    expect(problems.map(formatProblem).join('\n')).not.toContain('s3cr3t')
  })
})

describe('loadPolicy() for a gateway that is to serve it', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-served-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const errors = async (text: string) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, text)
    expect((await loadPolicy(path)).policy).not.toBeNull()
    const { policy, problems } = await loadPolicy(path, { servable: true })
    const found = problems.filter(({ severity }) => severity === 'error')
    expect(policy === null).toBe(found.length > 0)
    expect(found.every(({ frame, place }) => frame !== null && place !== null)).toBe(true)
    return found.map(({ message }) => message)
  }
  const unserved = (kind: string, name: string, type: string) =>
    `${kind} "${name}" is of type ${type}, which this version cannot serve yet`

  it('refuses what a profile reaches and this version has no code for, at its block', async () => {
    const shell =
      'endpoint "ssh" "shell" {\n  hosts = ["s.test"]\n  tunnel = ssh_port_forward.inner\n}\ncredential "ssh_key" "key" {\n  endpoint = ssh.shell\n}\n'
    const tunnels = tunnel('inner', 'via = ssh_port_forward.outer') + tunnel('outer', 'bastion = "jump.test:22"')
    const reached = base.replace('[passthrough.open]', '[passthrough.open, ssh_key.key]')
    expect(await errors(reached + shell + tunnels)).toEqual([
      unserved('endpoint', 'shell', 'ssh'),
      unserved('credential', 'key', 'ssh_key'),
      unserved('tunnel', 'inner', 'ssh_port_forward'),
      unserved('tunnel', 'outer', 'ssh_port_forward'),
    ])
    expect(await errors(base + shell + tunnels)).toEqual([])
  })

  it('refuses plugins, and takes rules that need an approver', async () => {
    expect(await errors(`${base}plugin "x" {\n  source = "/opt/x"\n}\n`)).toEqual([
      'plugin "x" cannot be run by this version yet',
    ])
    const people = 'approver "human_approver" "people" {\n  channel = ""\n}\n'
    expect(await errors(base + people + rule('ask', 'approve = [human_approver.people, builtin.dashboard]'))).toEqual(
      [],
    )
  })
})
