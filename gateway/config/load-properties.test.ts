import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'
import type { Policy } from './policy.ts'

/** One block of each kind and of many types, with everything they may refer to. */
const blocks: readonly string[] = [
  'gateway {\n  public_url = "https://gate.test"\n  wireguard {\n    subnet_cidr = "10.55.0.0/24"\n  }\n  limits {\n    body_buffer = "2MiB"\n  }\n}\n',
  'defaults {\n  unmatched = "deny"\n  human_timeout = 60\n}\n',
  'plugin "x" {\n  source = "/opt/x"\n  read_paths = ["/etc/ssl"]\n}\n',
  'endpoint "https" "api" {\n  hosts = ["api.test", "*.api.test:8443"]\n  retention = "48h"\n}\n',
  'endpoint "postgres" "db" {\n  host = "db.test:5432"\n  tunnel = ssh_port_forward.jump\n}\n',
  'endpoint "kubernetes" "k" {\n  server = "k.test:6443"\n  unmatched = "allow"\n}\n',
  'credential "passthrough" "open" {\n  endpoints = [https.api, kubernetes.k]\n}\n',
  'credential "postgres_credential" "a" {\n  endpoint = postgres.db\n  user = "a"\n}\n',
  'credential "postgres_credential" "b" {\n  endpoint = postgres.db\n  user = "b"\n  database = "x"\n}\n',
  'credential "ssh_key" "key" {\n}\n',
  'tunnel "ssh_port_forward" "jump" {\n  user = "gate"\n  bastion = "jump.test:22"\n  credential = ssh_key.key\n}\n',
  'approver "human_approver" "people" {\n  channel = "#ops"\n  sync_wait_timeout = "5s"\n  async_grant {\n    enabled = true\n  }\n}\n',
  'approver "llm_approver" "judge" {\n  model = "claude-x"\n  credential = passthrough.open\n}\n',
  "rule \"ask\" {\n  endpoint = https.api\n  approve = [llm_approver.judge, builtin.dashboard]\n  condition = <<-CEL\n    http.method == 'post'\n      && profile == 'p'\n  CEL\n}\n",
  'rule "shadow" {\n  endpoints = [postgres.db]\n  mode = "shadow"\n  priority = 5\n  condition = "sql.is_write"\n  verdict = "deny"\n}\n',
  'rule "k" {\n  endpoint = kubernetes.k\n  credential = passthrough.open\n  condition = "k8s.verb in [\'get\', \'list\']"\n  verdict = "allow"\n}\n',
  'profile "p" {\n  credentials = [passthrough.open, postgres_credential.a, { credential = postgres_credential.b, user = "c" }]\n  hitl_async_grants = true\n}\n',
]
const whole = `schema_version = 1\n${blocks.join('')}`

describe('loadPolicy(), whatever it is given', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-properties-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const write = (files: readonly (readonly [name: string, text: string])[]) => {
    const folder = mkdtempSync(join(directory, 'conf-'))
    for (const [name, text] of files) writeFileSync(join(folder, name), text)
    return folder
  }
  const compiled = async (path: string): Promise<Policy> => {
    const { policy, problems } = await loadPolicy(path)
    if (policy === null) throw new Error(problems.map(formatProblem).join('\n'))
    return policy
  }
  /** A policy without what tells where it was read from. */
  const content = ({ files: _, ...policy }: Policy) => policy

  it('compiles the same files to the same policy, in whatever order they were written', async () => {
    const split = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: blocks.length, maxLength: blocks.length })
    const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(split, orders, async (homes, order) => {
        const files = [0, 1, 2, 3].map((home): [string, string] => [
          `${'abcd'[home]}.hcl`,
          (home === 0 ? 'schema_version = 1\n' : '') + blocks.filter((_, index) => homes[index] === home).join(''),
        ])
        const first = write(files)
        const second = write(order.flatMap((at) => files.slice(at, at + 1)))
        const policy = content(await compiled(first))
        expect(content(await compiled(first))).toEqual(policy)
        expect(content(await compiled(second))).toEqual(policy)
      }),
      { numRuns: 6 },
    )
  })

  it('compiles blocks in any order to what they mean: only rules of one priority are an order', async () => {
    const told = ({ profiles, approvers, tunnels, approvals, credentials }: Policy) => ({
      endpoints: [...profiles.values()].flatMap((profile) =>
        profile.endpoints.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      ),
      approvers: [...approvers].sort(),
      tunnels,
      approvals,
      credentials: credentials.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    })
    const expected = told(await compiled(write([['a.hcl', whole]])))
    const any = fc.shuffledSubarray([...blocks], { minLength: blocks.length, maxLength: blocks.length })
    await fc.assert(
      fc.asyncProperty(any, async (shuffled) => {
        const policy = await compiled(write([['a.hcl', `schema_version = 1\n${shuffled.join('')}`]]))
        expect(told(policy)).toEqual(expected)
      }),
      { numRuns: 6 },
    )
  })

  it('tries rules by priority, and those of one priority in the order of files and lines', async () => {
    const priorities = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(priorities, fc.nat(12), async (list, cut) => {
        const rules = list.map(
          (priority, index) =>
            `rule "r${index}" {\n  endpoint = https.api\n  priority = ${priority}\n  condition = "http.path == '/${index}'"\n  verdict = "deny"\n}\n`,
        )
        const folder = write([
          ['a.hcl', `schema_version = 1\n${blocks.filter((block) => !block.startsWith('rule')).join('')}`],
          ['b.hcl', rules.slice(0, cut).join('')],
          ['c.hcl', rules.slice(cut).join('')],
        ])
        const policy = await compiled(folder)
        const names = [...policy.profiles.values()][0]?.endpoints.find(({ name }) => name === 'api')?.rules
        const expected = [...list.keys()].sort((a, b) => (list[b] ?? 0) - (list[a] ?? 0) || a - b)
        expect(names?.map(({ name }) => name)).toEqual(expected.map((index) => `r${index}`))
      }),
      { numRuns: 12 },
    )
  })

  it('never throws: it says what is wrong, with a place wherever there is one', async () => {
    const pieces = [
      '{',
      '}',
      '"',
      '${',
      '<<',
      '[',
      '\n',
      '\0',
      '\ufeff',
      'https.api',
      'builtin',
      'null',
      '-1',
      '"0"',
      '=',
    ]
    const mutated = fc
      .tuple(fc.nat(whole.length), fc.nat(20), fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(...pieces)))
      .map(([at, cut, put]) => Buffer.from(whole.slice(0, at) + put + whole.slice(at + cut)))
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    const path = join(directory, 'mutated.hcl')
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: mutated }, random), fc.boolean(), async (bytes, servable) => {
        writeFileSync(path, bytes)
        const { policy, problems } = await loadPolicy(path, { servable })
        expect(policy === null).toBe(problems.some(({ severity }) => severity === 'error'))
        for (const problem of problems) expect(formatProblem(problem)).not.toMatch(/undefined|\[object|Symbol\(/)
      }),
      { numRuns: 60 },
    )
  })

  it('takes any value for any attribute without an accident', async () => {
    const lines = whole.split('\n').flatMap((line, index) => (/^ +\w+ += /.test(line) ? [index] : []))
    // biome-ignore format: a list of cases
    const values = ['null', 'true', '-7', '1.5', '""', '"x"', '[]', '[null]', '[[]]', '{}', '{ a = null }', '[{}]', 'https.api', 'ssh_key.key', 'profile.p', '[builtin.dashboard]', '"<<file:"', '"{{secret:}}"', '"\\u0000"', '9007199254740993', '"1h"']
    const path = join(directory, 'values.hcl')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...lines), fc.constantFrom(...values), async (at, value) => {
        const text = whole.split('\n').map((line, index) => (index === at ? line.replace(/=.*/, `= ${value}`) : line))
        writeFileSync(path, text.join('\n'))
        const { policy, problems } = await loadPolicy(path, { servable: false })
        expect(policy === null).toBe(problems.some(({ severity }) => severity === 'error'))
        for (const problem of problems) {
          expect(formatProblem(problem)).not.toMatch(/undefined|\[object|Symbol\(|Invalid input/)
          if (problem.severity === 'error') expect(problem.place).not.toBeNull()
        }
      }),
      { numRuns: 80 },
    )
  })
})
