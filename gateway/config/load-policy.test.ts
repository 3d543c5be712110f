import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { demoPolicy } from '../demo/policy.ts'
import { formatProblem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'

const gateway = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.55.0.9/24"
    endpoint    = "127.0.0.1:51820"
  }
}
`
const api = 'endpoint "https" "api" {\n  hosts = ["API.test", "*.api.test:8443"]\n}\n'
const token = 'credential "bearer_token" "key" {\n  endpoint = https.api\n}\n'
const profile = 'profile "agents" {\n  credentials = [bearer_token.key]\n}\n'
const rule = (name: string, ...lines: string[]) =>
  `rule "${name}" {\n  endpoint = https.api\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
const base = gateway + api + token + profile
const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

describe('loadPolicy()', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-policy-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = (text: string | Uint8Array) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, text)
    return loadPolicy(path)
  }
  const loaded = async (text: string) => {
    const { policy, problems } = await load(text)
    if (policy === null) throw new Error(problems.map(formatProblem).join('\n'))
    return policy
  }

  it('compiles a profile as plain data that survives structured clone', async () => {
    const policy = await loaded(base + rule('no', 'verdict = "deny"', 'condition = "http.method == \'DELETE\'"'))
    const agents = [...policy.profiles.values()][0]
    expect(structuredClone(agents)).toEqual(agents)
    expect(agents).toEqual({
      name: 'agents',
      revision: policy.revision,
      unknownHost: 'splice',
      limits: expect.objectContaining({ inspectBytes: 1_048_576, sampleBytes: 4096 }),
      endpoints: [
        {
          name: 'api',
          protocol: 'https',
          hosts: ['api.test', '*.api.test:8443'],
          settings: { hosts: ['api.test', '*.api.test:8443'] },
          credentials: [{ name: 'key', type: 'bearer_token', settings: {}, disambiguator: {} }],
          rules: [
            {
              name: 'no',
              priority: 0,
              when: "http.method == 'DELETE'",
              credential: null,
              outcome: { do: 'deny', reason: 'denied by policy' },
              mode: 'enforce',
            },
          ],
          unmatched: 'allow',
          via: null,
        },
      ],
    })
    expect(policy.deviceDefaultProfile).toBe('agents')
    expect(policy.gateway.wireguard?.subnetCidr).toBe('10.55.0.0/24')
    expect(policy.revision).toBe(
      createHash('sha256')
        .update(readFileSync(policy.files[0] ?? ''))
        .digest('hex'),
    )
  })

  it('tries rules by priority, then as they are declared, and leaves disabled ones out', async () => {
    const verdict = 'verdict = "allow"'
    const condition = 'condition = "http.method == \'get\'"'
    const policy = await loaded(
      base +
        rule('low', verdict, condition, 'priority = -5') +
        rule('first', verdict, condition) +
        rule('second', verdict, condition, 'priority = "0"') +
        rule('top', verdict, condition, 'priority = 10') +
        rule('off', verdict, condition, 'disabled = true'),
    )
    const names = [...policy.profiles.values()][0]?.endpoints[0]?.rules.map(({ name }) => name)
    expect(names).toEqual(['top', 'first', 'second', 'low'])
  })

  it('reads what decides besides allow and deny: approvers, shadow rules, no rule at all', async () => {
    const text =
      base.replace('"*.api.test:8443"]\n', '"*.api.test:8443"]\n  unmatched = "deny"\n') +
      rule('ask', 'approve = [builtin.dashboard, "dashboard"]', 'reason = "look at it"', 'mode = "shadow"') +
      rule('unsaid', 'approve = [builtin.dashboard]', 'mode = "shadow"') +
      rule('late', 'verdict = "deny"')
    const policy = await loaded(text)
    const endpoint = [...policy.profiles.values()][0]?.endpoints[0]
    expect(endpoint?.unmatched).toBe('deny')
    expect(endpoint?.rules.map(({ mode, outcome }) => [mode, outcome])).toEqual([
      ['shadow', { do: 'ask', approvers: ['dashboard', 'dashboard'], reason: 'look at it' }],
      ['shadow', { do: 'ask', approvers: ['dashboard'], reason: 'a rule wants approval' }],
      ['enforce', { do: 'deny', reason: 'denied by policy' }],
    ])
    const everywhere = await loaded(`${base}defaults {\n  unmatched = "deny"\n}\n`)
    expect([...everywhere.profiles.values()][0]?.endpoints[0]?.unmatched).toBe('deny')
  })

  it('prefers the profile called default, and knows none where none is declared', async () => {
    const two = await loaded(`${base}profile "default" {\n  credentials = []\n}\n`)
    expect(two.deviceDefaultProfile).toBe('default')
    const none = await load(gateway + api + token)
    expect(none.policy?.deviceDefaultProfile).toBeNull()
    expect(none.problems.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('no profile is declared'),
    )
  })

  it('overlays what a profile says over what the credential block says', async () => {
    const keys = ['a', 'b'].map(
      (name) =>
        `credential "header_token" "${name}" {\n  endpoint = https.api\n  header = "X-Key"\n  placeholder = "PH_${name}"\n}\n`,
    )
    const list = '{ credential = header_token.a, placeholder = "PH_own" }, header_token.b, bearer_token.key'
    const policy = await loaded(`${gateway}${api}${token}${keys.join('')}profile "p" {\n  credentials = [${list}]\n}\n`)
    const uses = [...policy.profiles.values()][0]?.endpoints[0]?.credentials
    expect(uses?.map(({ name, disambiguator }) => [name, disambiguator])).toEqual([
      ['a', { placeholder: 'PH_own' }],
      ['b', { placeholder: 'PH_b' }],
      ['key', {}],
    ])
  })

  it('gives a profile only what its credentials bind', async () => {
    const other =
      'endpoint "https" "other" {\n  hosts = ["api.test"]\n}\ncredential "passthrough" "open" {\n  endpoint = https.other\n}\n'
    const policy = await loaded(`${base}${other}profile "others" {\n  credentials = [passthrough.open]\n}\n`)
    const reached = [...policy.profiles.values()].map(({ name, endpoints }) => [
      name,
      endpoints.map((each) => each.name),
    ])
    expect(reached).toEqual([
      ['agents', ['api']],
      ['others', ['other']],
    ])
  })

  it('takes text equal to a declared name for a reference', async () => {
    const policy = await loaded(
      gateway + api + token.replace('https.api', '"api"') + profile.replace('bearer_token.key', '"key"'),
    )
    expect([...policy.profiles.values()][0]?.endpoints).toHaveLength(1)
  })

  it('places a problem of a condition inside its text: escapes, heredocs, several lines', async () => {
    const places = async (...lines: string[]) => {
      const { problems } = await load(base + rule('r', 'verdict = "deny"', ...lines))
      return problems.map(({ place, message }) => [
        message.startsWith('condition: '),
        (place?.line ?? 0) - 20,
        place?.column,
      ])
    }
    expect(await places(String.raw`condition = "http.path == \"a\" && http.zip == 1"`)).toEqual([[true, 0, 43]])
    expect(await places("condition = <<-CEL\n    http.path == 'é'\n      && http.zip == 1\n  CEL")).toEqual([
      [true, 2, 15],
    ])
    expect(await places('condition = <<CEL\nhttp.zip == 1\nCEL')).toEqual([[true, 1, 6]])
  })

  it('reads included files, and changes the revision with them', async () => {
    writeFileSync(join(directory, 'ca.pem'), pem)
    const text = base.replace('"]\n}\ncred', '"]\n  ca_cert = "<<file:ca.pem>>"\n}\ncred')
    const first = await loaded(text)
    expect([...first.profiles.values()][0]?.endpoints[0]?.settings).toMatchObject({ ca_cert: pem })
    expect(first.files).toContain(join(directory, 'ca.pem'))
    writeFileSync(join(directory, 'ca.pem'), `${pem}${pem}`)
    expect((await loaded(text)).revision).not.toBe(first.revision)
    writeFileSync(join(directory, 'ca.pem'), '<<file:ca.pem>>')
    expect((await load(text)).problems[0]?.message).toMatch(/ca\.pem includes itself/)
  })

  it('merges a directory in the order of its names, without the lockfile and hidden files', async () => {
    const folder = mkdtempSync(join(directory, 'many-'))
    writeFileSync(join(folder, 'b.hcl'), rule('later', 'verdict = "deny"', 'condition = "http.path == \'/b\'"'))
    writeFileSync(join(folder, 'a.hcl'), base + rule('sooner', 'verdict = "deny"', 'condition = "http.path == \'/a\'"'))
    writeFileSync(join(folder, 'clawpatrol.lock.hcl'), 'plugin "x" {\n}\n')
    writeFileSync(join(folder, '.hidden.hcl'), 'nonsense')
    writeFileSync(join(folder, 'notes.txt'), 'nonsense')
    mkdirSync(join(folder, 'folder.hcl'))
    const { policy, problems } = await loadPolicy(folder)
    expect(problems).toEqual([])
    const rules = policy === null ? [] : [...policy.profiles.values()][0]?.endpoints[0]?.rules.map(({ name }) => name)
    expect(rules).toEqual(['sooner', 'later'])
    writeFileSync(join(folder, 'c.hcl'), 'gateway {\n}\n')
    const again = await loadPolicy(folder)
    expect(again.problems[0]?.place?.file).toBe(join(folder, 'c.hcl'))
    expect(again.problems[0]?.related[0]?.place.file).toBe(join(folder, 'a.hcl'))
  })

  it.each([
    'minimal',
    'read-only',
    'tailscale',
    'two-keys',
  ])('finds nothing wrong with examples/%s.hcl', async (name) => {
    const { policy, problems } = await loadPolicy(join(examples, `${name}.hcl`))
    expect(problems).toEqual([])
    expect(policy?.profiles.has('default' as never)).toBe(true)
  })

  it('finds nothing wrong with the policy of the demo', async () => {
    const caFile = join(directory, 'demo-ca.pem')
    writeFileSync(caFile, pem)
    const place = { stateDir: directory, wireguardPort: 1, apiPort: 2, notesPort: 3, ledgerPort: 4, caFile }
    expect((await load(demoPolicy(place))).problems).toEqual([])
  })
})
