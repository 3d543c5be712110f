import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Problem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'

const head = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.0.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
`
const claimed = (type: string, settings: string) => `${head}endpoint "${type}" "a" {
  ${settings}
}
credential "passthrough" "none" {
  endpoint = ${type}.a
}
profile "default" {
  credentials = [passthrough.none]
}
`
const api = claimed('https', 'hosts = ["a.test"]')
const strictApi = claimed('https', 'hosts = ["a.test"]\n  unmatched = "deny"')
const cluster = claimed('kubernetes', 'server = "a.test"')
const shell = claimed('ssh', 'hosts = ["a.test"]')
const db = claimed('postgres', 'host = "a.test:5432"')
let next = 0
const ruleOn = (type: string, condition: string | null, ...lines: readonly string[]) =>
  `rule "r${++next}" {\n  endpoint = ${type}.a\n${condition === null ? '' : `  condition = "${condition}"\n`}${lines.map((line) => `  ${line}\n`).join('')}}\n`
const deny = (condition: string | null, ...lines: string[]) => ruleOn('https', condition, 'verdict = "deny"', ...lines)
const allow = (condition: string | null, ...lines: string[]) =>
  ruleOn('https', condition, 'verdict = "allow"', ...lines)

describe('configurations that would fail open without a word', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-careless-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = async (source: string): Promise<readonly Problem[]> => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, source)
    const { policy, problems } = await loadPolicy(path)
    expect(policy).not.toBeNull()
    return problems
  }
  const messages = async (source: string) => (await load(source)).map(({ message }) => message)

  const never: readonly (readonly [what: string, source: string, message: RegExp, hint?: RegExp])[] = [
    ['a misspelt method', api + deny("http.method == 'DELTE'"), /http\.method is never 'delte'/, /delete/],
    ['a misspelt method, the other way round', api + deny("'PACTH' == http.method"), /never 'pacth'/, /patch/],
    ['a misspelt method in a list', api + deny("http.method in ['PUT', 'PSOT']"), /never 'psot'/, /post/],
    [
      'a header by a name no key has',
      api + deny("'x-method' in http.headers"),
      /never has the key 'x-method'/,
      /X-Method/,
    ],
    [
      'a value of such a header',
      api + deny("'X-API' in http.headers && 'a' in http.headers['X-API']"),
      /'X-API'.*'X-Api'/,
    ],
    ['the Host header', api + deny("'Host' in http.headers"), /Host header is not in/, /http\.host/],
    [
      'two methods at once',
      api + deny("http.method == 'PUT' && (http.path == '/x' && http.method == 'DELETE')"),
      /never true: http\.method cannot be 'put' and 'delete'/,
      /http\.method in \['put', 'delete'\]/,
    ],
    [
      'one method or another not',
      api + allow("http.method != 'PUT' || http.method != 'DELETE'") + deny(null),
      /always true: http\.method/,
      /!\(http\.method in/,
    ],
    ['false', api + deny('false'), /never true/, /disabled = true/],
    [
      'a verb of Kubernetes that is none',
      cluster + ruleOn('kubernetes', "k8s.verb == 'deletecollection'", 'verdict = "deny"'),
      /k8s\.verb is never 'deletecollection'/,
    ],
    [
      'a resource in the singular',
      cluster + ruleOn('kubernetes', "k8s.resource == 'secret'", 'verdict = "deny"'),
      /k8s\.resource is never 'secret'/,
      /'secrets'/,
    ],
    [
      'a verb of SSH that is none',
      shell + ruleOn('ssh', "ssh.verb == 'execute'", 'verdict = "deny"'),
      /ssh\.verb is never 'execute'/,
    ],
    [
      'a function in capitals',
      db + ruleOn('postgres', "'PG_READ_FILE' in sql.functions", 'verdict = "deny"'),
      /sql\.functions never has 'PG_READ_FILE'/,
      /pg_read_file/,
    ],
  ]
  for (const [what, source, message, hint] of never)
    it(`warns of a condition that asks for ${what}`, async () => {
      const [problem, ...more] = await load(source)
      expect(more).toEqual([])
      expect(problem).toMatchObject({ severity: 'warning', message: expect.stringMatching(message) as string })
      if (hint !== undefined) expect(problem?.hint).toMatch(hint)
    })

  const honest: readonly string[] = [
    "http.method in ['PUT', 'PATCH'] && http.method != 'GET'",
    "http.method == 'PROPFIND' || http.method == 'QUERY' || http.method == 'BREW'",
    "http.method == 'PUT' && http.path == '/a' || http.method == 'DELETE' && http.path == '/b'",
    "http.method != 'PUT' && http.method != 'DELETE'",
    "http.method != 'GET' || http.path != '/x'",
    "'X-Api-Key' in http.headers && http.headers['X-Api-Key'].exists(v, v == 'x' || v == 'y')",
    "http.path == '/false'",
    "http.path in ['/', '/x', '*', '']",
    "profile == 'default' && endpoint != 'a'",
    "http.host == '::1' || http.host == 'a.test'",
  ]
  for (const condition of honest)
    it(`is quiet about ${condition}`, async () => {
      expect(await messages(api + deny(condition))).toEqual([])
    })

  it('warns of a deny below an allow that takes all it matches', async () => {
    const read = allow("http.method in ['GET', 'HEAD']")
    const secret = deny("http.method == 'GET' && http.path.startsWith('/secrets/')")
    const [problem, ...more] = await load(strictApi + read + secret)
    expect(more).toEqual([])
    expect(problem?.message).toMatch(/is never reached: rule "r\d+" is tried before it and matches all that it matches/)
    expect(problem?.related).toHaveLength(1)
    expect(await messages(strictApi + secret + read)).toEqual([])
    expect(await messages(strictApi + read + secret.replace('verdict', 'priority = 5\n  verdict'))).toEqual([])
  })

  it('warns of a second rule with the condition of the first, whatever its spaces and case', async () => {
    const [message] = await messages(api + deny("http.method == 'PUT'") + allow("http.method=='put'"))
    expect(message).toMatch(/is never reached/)
    const either = deny("http.path == '/a' || http.path == '/b' || http.method == 'PUT'")
    expect((await messages(api + either + allow("http.path in ['/a', '/b']")))[0]).toMatch(/is never reached/)
    expect(await messages(api + either + deny("http.path in ['/a', '/c']"))).toEqual([])
  })

  it('says nothing of rules that the earlier one leaves something to', async () => {
    const put = "http.method == 'PUT'"
    expect(await messages(api + deny(put, 'mode = "shadow"') + deny(put))).toEqual([])
    expect(await messages(api + deny(put, 'disabled = true') + deny(put))).toEqual([])
    expect(await messages(api + deny(put, 'credential = passthrough.none') + allow(put))).toEqual([])
    expect(await messages(api + deny(`${put} && http.path == '/x'`) + allow(put))).toEqual([])
  })

  it('warns of an endpoint whose rules keep nothing from happening', async () => {
    const [problem] = await load(api + allow("http.method == 'GET'"))
    expect(problem).toMatchObject({ severity: 'warning', place: { line: 8 } })
    expect(problem?.message).toMatch(/endpoint "a" denies nothing: all its rules allow/)
    expect(problem?.hint).toContain('unmatched = "deny"')
    const [trial] = await load(api + deny(null, 'mode = "shadow"'))
    expect(trial?.message).toMatch(/denies nothing: what its rules deny is in shadow mode/)
  })

  it('says nothing of endpoints that deny, ask, or have no rules', async () => {
    expect(await messages(api)).toEqual([])
    expect(await messages(strictApi + allow("http.method == 'GET'"))).toEqual([])
    expect(await messages(`${api}defaults {\n  unmatched = "deny"\n}\n${allow("http.method == 'GET'")}`)).toEqual([])
    expect(await messages(api + ruleOn('https', null, 'approve = [builtin.dashboard]'))).toEqual([])
    expect(await messages(api + deny(null, 'disabled = true'))).toEqual([])
  })
})
