// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL templates look like that
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Problem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'

const version = 'schema_version = 1\n'
const gateway = 'gateway {\n  wireguard {\n    subnet_cidr = "10.0.0.0/24"\n    endpoint = "127.0.0.1:51820"\n  }\n}\n'
const head = version + gateway
const api = `${head}endpoint "https" "a" {\n  hosts = ["a.test"]\n}\n`
const token = `${api}credential "bearer_token" "t" {\n  endpoint = https.a\n}\n`
const base = `${token}profile "default" {\n  credentials = [bearer_token.t]\n}\n`

const inGateway = (line: string) => head.replace('gateway {\n', `gateway {\n  ${line}\n`)
const inEndpoint = (line: string) => base.replace('hosts = ["a.test"]\n', `hosts = ["a.test"]\n  ${line}\n`)
const hosts = (list: string) => base.replace('["a.test"]', list)
const rule = (...lines: string[]) => `${base}rule "r" {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
const deny = (...lines: string[]) => rule('endpoint = https.a', 'verdict = "deny"', ...lines)
const profile = (list: string, more = '') => `${token}${more}profile "default" {\n  credentials = ${list}\n}\n`
const second = 'credential "bearer_token" "u" {\n  endpoint = https.a\n}\n'

/** « and » mark the place of the error and are taken out before loading; without them it has none, or any. */
type Row = readonly [id: string, what: string, source: string, message: RegExp, hint?: RegExp]

// biome-ignore format: a table is read row by row
const errors: readonly Row[] = [
  ['1', 'an empty file', '', /gateway block is missing/],
  ['1', 'no gateway block', version, /gateway block is missing/],
  ['2', 'an attribute without an expression', rule('verdict =«\n»'), /Invalid expression/],
  ['3', 'a block that is never closed', `${base}rule "r" «{»\n  verdict = "deny"\n`, /Unclosed configuration block/],
  ['4', 'a heredoc that is never closed', `${base}rule "r" {\n  condition = <<CEL\n  x\n}\n«`, /Unterminated template string/],
  ['5', 'two attributes in a one-line block', `${base}rule "r" { endpoint = https.a «verdict» = "deny" }\n`, /one-line|single-line/i],
  ['6', 'an attribute set twice', deny('«verdict» = "allow"'), /already set at/],
  ['7', 'two gateway blocks', `${base}«gateway» {\n}\n`, /duplicate gateway block/],
  ['8', 'a misspelt gateway attribute', inGateway('«stat_dir» = "x"'), /unsupported argument "stat_dir"/, /state_dir/],
  ['9', 'unknown_host at the top level', `${base}«unknown_host» = "deny"\n`, /unsupported argument "unknown_host"/, /defaults/],
  ['10', 'a policy block', `${base}«policy» "x" {\n}\n`, /unsupported block type "policy"/],
  ['10', 'a device block', `${base}«device» "10.0.0.1" {\n}\n`, /unsupported block type "device"/],
  ['11', 'a schema_version from the future', 'schema_version = «2»\nnonsense = 1\n', /newer than 1.*upgrade/],
  ['12', 'a schema_version from the past', 'schema_version = «-1»\n', /older than 0/],
  ['13', 'a schema_version in quotes', 'schema_version = «"1"»\n', /whole number/],
  ['13', 'a broken schema_version', 'schema_version = «1.5»\n', /whole number/],
  ['15', 'no transport', `${version}«gateway» {\n}\n`, /no transport is enabled/, /wireguard/],
  ['16', 'wireguard without a subnet', head.replace('wireguard', '«wireguard»').replace('subnet_cidr = "10.0.0.0/24"\n', ''), /needs the argument "subnet_cidr"/],
  ['17', 'no address for clients to dial', head.replace('wireguard', '«wireguard»').replace('endpoint = "127.0.0.1:51820"\n', ''), /no address to dial/, /public_url.*endpoint.*127\.0\.0\.1/],
  ['17', 'an endpoint nobody can dial', head.replace('"127.0.0.1:51820"', '«"0.0.0.0:51820"»'), /no address to dial/],
  ...['*@', 'a*@b', 'x'].map((entry): Row => ['18', `operators = ["${entry}"]`, inGateway(`tailscale {\n    operators = ["a@b", «"${entry}"»]\n  }`), /operators\.?.*user@domain/]),
  ['19', 'a session TTL in days', inGateway('dashboard_session_ttl = «"1d"»'), /unknown unit "d"/],
  ['20', 'a negative session_keep', inGateway('session_keep = «"-1h"»'), /negative/],
  ['21', 'actions_keep = "forever"', inGateway('actions_keep = «"forever"»'), /not a duration.*0 or off/],
  ['22', 'a size in an unknown unit', inGateway('limits {\n    body_buffer = «"1XB"»\n  }'), /unknown unit.*KiB/],
  ['23', 'a size of zero', inGateway('limits {\n    body_storage = «"0"»\n  }'), /must be positive/],
  ['25', 'an identifier in the gateway block', inGateway('state_dir = «somewhere»'), /Variables not allowed/],
  ['26', 'an unknown attribute in defaults', `${base}defaults {\n  «unmatch» = "deny"\n}\n`, /unsupported argument "unmatch"/, /unmatched/],
  ['27', 'an unknown endpoint type', `${base}endpoint «"http"» "b" {\n}\n`, /unknown endpoint type "http": known are https/],
  ['28', 'an unknown credential type', `${base}credential «"bearer"» "u" {\n}\n`, /unknown credential type "bearer": known are basic_auth, bearer_token, cookie_token, header_token, mtls_credential, passthrough/],
  ['29', 'a missing name label', `${base}«endpoint "https"» {\n  hosts = ["b.test"]\n}\n`, /name label is missing.*"<type>" "<name>"/],
  ['30', 'a third label', `${base}endpoint "https" "b" «"c"» {\n}\n`, /extraneous label "c"/],
  ['31', 'a rule with two labels', `${base}rule "http_rule" «"x"» {\n}\n`, /extraneous label "x": write rule "<name>"/],
  ['32', 'two rules of one name', `${deny()}«rule "r"» {\n  endpoint = https.a\n  verdict = "deny"\n}\n`, /duplicate rule name "r"/],
  ['33', 'two endpoints of one name', `${base}«endpoint "https" "a"» {\n  hosts = ["b.test"]\n}\n`, /duplicate endpoint name "a"/],
  ['34', 'an approver', `${base}«approver "human_approver" "dashboard"» {\n}\n`, /approvers are not in this version yet/],
  ['35', 'a bare reference', rule('endpoint = «a»', 'verdict = "deny"'), /no variable named "a"/, /write https\.a/],
  ['36', 'a reference to a name nobody declared', rule('endpoint = https«.nope»', 'verdict = "deny"'), /attribute named "nope"/],
  ['37', 'a reference by kind', rule('endpoint = «endpoint».https.a', 'verdict = "deny"'), /no variable named "endpoint"/],
  ['38', 'text that names no endpoint', rule('endpoint = «"zz"»', 'verdict = "deny"'), /no endpoint is called "zz"/],
  ['39', 'a reference of the wrong kind', rule('endpoint = «bearer_token.t»', 'verdict = "deny"'), /expected an endpoint, but bearer_token\.t is a credential/],
  ['39', 'a reference of the wrong kind whose name fits', `${base.replace('"bearer_token" "t"', '"bearer_token" "a"').replace('bearer_token.t', 'bearer_token.a')}rule "r" {\n  endpoint = «bearer_token.a»\n  verdict = "deny"\n}\n`, /expected an endpoint, but bearer_token\.a is a credential/, /https\.a/],
  ['40', 'a reference to a type nobody declared', rule('endpoint = «ssh».a', 'verdict = "deny"'), /no variable named "ssh"/],
  ['41', 'endpoint and endpoints', rule('endpoint = https.a', '«endpoints» = [https.a]', 'verdict = "deny"'), /use one/],
  ['42', 'a rule without endpoints', `${base}«rule "r"» {\n  verdict = "deny"\n}\n`, /has no endpoints/],
  ['42', 'a rule with an empty list of endpoints', rule('endpoints = «[]»', 'verdict = "deny"'), /has no endpoints/],
  ['44', 'a rule without an outcome', `${base}«rule "r"» {\n  endpoint = https.a\n}\n`, /has no outcome/, /verdict/],
  ['44', 'an empty verdict', rule('endpoint = https.a', 'verdict = «""»'), /must be "allow" or "deny", not ""/],
  ['45', 'verdict and approve', deny('«approve» = [builtin.dashboard]'), /verdict and approve: use one/],
  ['46', 'a verdict in capitals', rule('endpoint = https.a', 'verdict = «"DENY"»'), /must be "allow" or "deny", not "DENY"/],
  ['44', 'an empty list of approvers', rule('endpoint = https.a', 'approve = «[]»'), /has no outcome/],
  ['47', 'approve as a scalar', rule('endpoint = https.a', 'approve = «builtin.dashboard»'), /approve must be a list/, /\[builtin\.dashboard\]/],
  ['48', 'approve with an object', rule('endpoint = https.a', 'approve = [«{ stage = builtin.dashboard }»]'), /each stage is a reference/],
  ['49', 'approve with a bare dashboard', rule('endpoint = https.a', 'approve = [«dashboard»]'), /no variable named "dashboard"/, /builtin\.dashboard/],
  ['50', 'approve by a credential', rule('endpoint = https.a', 'approve = [«bearer_token.t»]'), /expected an approver, but bearer_token\.t is a credential/],
  ['50', 'approve by nobody', rule('endpoint = https.a', 'approve = [«"nobody"»]'), /no approver is called "nobody"/],
  ['51', 'a CEL syntax error', deny('condition = "http.path ==«»"'), /^condition: /],
  ['52', 'a condition that is not bool', deny('condition = "«http.path»"'), /^condition: .*bool/],
  ['53', 'a variable of another family', deny('condition = "«k8s».verb == \'get\'"'), /^condition: .*k8s/],
  ['54', 'an unknown field', deny('condition = "http.nope == 1"'), /^condition: .*nope/],
  ['55', 'a type mismatch', deny('condition = "«http.path == 1»"'), /^condition: /],
  ['56', 'bad CEL in a disabled rule', deny('disabled = true', 'condition = "http.nope == 1"'), /^condition: .*nope/],
  ['57', 'a priority in words', deny('priority = «"high"»'), /whole number, not "high"/],
  ['57', 'a broken priority', deny('priority = «1.5»'), /whole number, not 1\.5/],
  ['58', 'disabled = "yes"', deny('disabled = «"yes"»'), /true or false, not "yes"/],
  ['59', 'condition = null', deny('condition = «null»'), /null is not allowed/],
  ['60', 'match in a rule', deny('«match» = {}'), /unsupported argument "match"/],
  ['61', 'an endpoint without hosts', `${base}«endpoint "https" "b"» {\n}\n`, /needs the argument "hosts"/],
  ['62', 'hosts as text', hosts('«"a.test"»'), /must be a list, not a string/],
  ['63', 'a wildcard over a top-level domain', hosts('[«"*.com"»]'), /too broad/],
  ['64', 'a star in the middle', hosts('[«"a.*.com"»]'), /left-most label/],
  ['65', 'a port out of range', hosts('["b.test", «"a.test:99999"»]'), /invalid port/],
  ['66', 'an empty host', hosts('[«""»]'), /empty/],
  ['67', 'a URL as host', hosts('[«"https://a.test"»]'), /is a URL/],
  ['68', 'one host twice', hosts('["a.test", «"A.test"»]'), /duplicate host "A\.test"/],
  ['71', 'a tunnel', inEndpoint('«tunnel» = "b"'), /tunnels are not in this version yet/],
  ['71', 'a tunnel nobody declared', inEndpoint('tunnel = «ssh_port_forward».b'), /no variable named "ssh_port_forward"/],
  ['72', 'a description that is a number', inEndpoint('description = «5»'), /must be a string, not a number/],
  ['73', 'a retention in days', inEndpoint('retention = «"30d"»'), /unknown unit "d"/],
  ['73', 'a negative retention', inEndpoint('retention = «"-1h"»'), /negative/],
  ['77', 'a credential with endpoint and endpoints', base.replace('endpoint = https.a\n', 'endpoint = https.a\n  «endpoints» = [https.a]\n'), /use one/],
  ['78', 'endpoints that is no list', base.replace('endpoint = https.a', 'endpoints = «https.a»'), /endpoints: must be a list/],
  ['79', 'a secret in the file', base.replace('endpoint = https.a\n', 'endpoint = https.a\n  «token» = "x"\n'), /unsupported argument "token"/],
  ['80', 'basic_auth without username', `${base}«credential "basic_auth" "b"» {\n}\n`, /needs the argument "username"/],
  ['80', 'header_token without header', `${base}«credential "header_token" "h"» {\n}\n`, /needs the argument "header"/],
  ['81', 'a placeholder where none is allowed', `${base}credential "mtls_credential" "m" {\n  «placeholder» = "x"\n}\n`, /mtls_credential has no disambiguators/],
  ['82', 'an attribute on passthrough', `${base}credential "passthrough" "p" {\n  «secret» = "x"\n}\n`, /unsupported argument "secret"/],
  ['83', 'a profile without credentials', `${token}«profile "default"» {\n}\n`, /needs the argument "credentials"/],
  ['84', 'credentials that is no list', profile('«bearer_token.t»'), /must be a list/],
  ['84', 'a number among credentials', profile('[«5»]'), /expected a credential, found 5/],
  ['85', 'a credential nobody declared', profile('[bearer_token«.nope»]'), /attribute named "nope"/],
  ['85', 'text that names no credential', profile('[«"nope"»]'), /no credential is called "nope"/],
  ['86', 'an entry without credential', profile('[«{ placeholder = "x" }»]'), /has no credential/],
  ['87', 'an empty disambiguator', profile('[{ credential = bearer_token.t, placeholder = «""» }]'), /non-empty string/],
  ['87', 'a disambiguator that is no text', profile('[{ credential = bearer_token.t, placeholder = «5» }]'), /non-empty string/],
  ['88', 'a field that picks nothing', profile('[{ credential = bearer_token.t, «user» = "x" }]'), /user cannot pick a bearer_token: allowed: placeholder/],
  ['89', 'two fallbacks', profile('[bearer_token.t, «bearer_token.u»]', second), /credentials "t" and "u" are both the fallback on endpoint "a" in profile "default"/],
  ['89', 'one credential twice', profile('[bearer_token.t, «bearer_token.t»]'), /"t" is listed twice/],
  ['90', 'two equal disambiguators', profile('[{ credential = bearer_token.t, placeholder = "x" }, «{ credential = bearer_token.u, placeholder = "x" }»]', second), /"t" and "u".*placeholder = "x"/],
  ['91', 'a disambiguator that chooses nothing', profile('[«{ credential = bearer_token.t, placeholder = "x" }»]'), /has no effect/],
  ['92', 'endpoints in a profile', `${token}profile "default" {\n  credentials = []\n  «endpoints» = []\n}\n`, /unsupported argument "endpoints"/],
  ['96', 'a function call', deny('reason = «upper("x")»'), /Function calls not allowed/],
  ['97', 'an environment variable', hosts('["${«env».HOST}"]'), /no variable named "env"/],
  ['98', 'a file that is not there', inEndpoint('ca_cert = «"<<file:nope.pem>>"»'), /cannot read .*nope\.pem: it does not exist/],
  ['99', 'a file marker without end', inEndpoint('ca_cert = «"<<file:x"»'), /no closing >>/],
  ['FIX', 'a malformed subnet', head.replace('"10.0.0.0/24"', '«"10.0.0.0/99"»'), /not a CIDR block/],
  ['FIX', 'a bad enumeration in defaults', `${base}defaults {\n  unknown_host = «"reject"»\n}\n`, /"passthrough" or "deny", not "reject"/],
  ['FIX', 'hosts = []', hosts('«[]»'), /has no hosts/],
  ['FIX', 'two endpoints of a profile sharing a host', `${api}endpoint "https" "b" {\n  hosts = [«"A.test:443"»]\n}\ncredential "passthrough" "p" {\n  endpoints = [https.a, https.b]\n}\nprofile "default" {\n  credentials = [passthrough.p]\n}\n`, /"a" and "b" of profile "default" both claim the host a\.test/],
  ['FIX', 'hitl_async_grants = "yes"', base.replace('[bearer_token.t]\n', '[bearer_token.t]\n  hitl_async_grants = «"yes"»\n'), /true or false, not "yes"/],
  ['FIX', 'a constant bad regex', deny('condition = "http.path.matches(\'(\')"'), /^condition: /],
  ['OURS', 'an upstream without a port', inEndpoint('upstream = «"localhost"»'), /not host:port/],
  ['OURS', 'a ca_cert that is no certificate', inEndpoint('ca_cert = «"x"»'), /no certificate/],
  ['OURS', 'a relay_allow that is no CIDR', inGateway('relay_allow = ["10.0.0.0/8", «"x"»]'), /not a CIDR block/],
]

// biome-ignore format: a table is read row by row
const warnings: readonly Row[] = [
  ['14', 'no schema_version', base.replace(version, ''), /schema_version is not set/],
  ['24', 'a buffer below what is stored', base.replace('gateway {', 'gateway {\n  limits {\n    «body_buffer» = "1KiB"\n  }\n'), /body_buffer \(1024 bytes\) is below body_storage \(4096 bytes\)/],
  ['FIX', 'an endpoint no profile reaches', `${base}«endpoint "https" "b"» {\n  hosts = ["b.test"]\n}\n`, /"b" is reachable from no profile/],
  ['FIX', 'a rule whose credential is not for its endpoint', `${base}credential "bearer_token" "u" {\n}\nrule "r" {\n  endpoint = https.a\n  credential = «bearer_token.u»\n  verdict = "deny"\n}\n`, /"r" never applies on endpoint "a": credential "u" is not for it/],
  ['FIX', 'a rule after a catch-all', `${deny()}«rule "late"» {\n  endpoint = https.a\n  verdict = "allow"\n}\n`, /"late" is never reached: rule "r"/],
]

describe('loadPolicy() on every bad configuration of the catalogue', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-config-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = async (marked: string) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, marked.replace(/[«»]/g, ''))
    return loadPolicy(path)
  }

  it('finds nothing wrong with the file the rows are made from', async () => {
    const { policy, problems } = await load(base)
    expect(problems).toEqual([])
    expect(policy?.profiles.size).toBe(1)
  })

  for (const [id, what, marked, message, hint] of errors)
    it(`${id}: refuses ${what}`, async () => {
      const { policy, problems } = await load(marked)
      expect(policy).toBeNull()
      expectProblem(problems, 'error', { marked, message, hint })
    })

  for (const [id, what, marked, message, hint] of warnings)
    it(`${id}: warns of ${what}`, async () => {
      const { policy, problems } = await load(marked)
      expect(policy).not.toBeNull()
      expectProblem(problems, 'warning', { marked, message, hint })
    })

  it('11: tells nothing else about a file of a newer grammar', async () => {
    expect((await load('schema_version = 2\nnonsense = 1\n')).problems).toHaveLength(1)
  })

  it('101: names the directory that holds no configuration, and the path that is not there', async () => {
    const empty = mkdtempSync(join(directory, 'empty-'))
    expect((await loadPolicy(empty)).problems[0]?.message).toContain(empty)
    expect((await loadPolicy(join(empty, 'nope.hcl'))).problems[0]?.message).toMatch(/nope\.hcl: it does not exist/)
  })

  it('32: shows where the first of two equal names is', async () => {
    const { problems } = await load(`${deny()}rule "r" {\n  endpoint = https.a\n  verdict = "deny"\n}\n`)
    expect(problems[0]?.related[0]).toMatchObject({
      message: 'the first is here',
      place: { line: lineOf(deny(), 'rule "r"') },
    })
  })

  it('tells every problem of a file at once', async () => {
    const { problems } = await load(rule('endpoint = https.nope', 'verdict = "NO"', 'priority = "high"', 'match = 1'))
    expect(problems.map(({ place }) => place?.line)).toEqual([18, 19, 20, 21])
  })
})

function expectProblem(
  problems: readonly Problem[],
  severity: Problem['severity'],
  { marked, message, hint }: { marked: string; message: RegExp; hint: RegExp | undefined },
): void {
  const found = problems.find((problem) => message.test(problem.message))
  expect(found, problems.map((problem) => problem.message).join('\n')).toMatchObject({ severity })
  if (hint !== undefined) expect(found?.hint).toMatch(hint)
  const start = marked.indexOf('«')
  if (start < 0) return
  const before = marked.slice(0, start).split('\n')
  const place = { line: before.length, column: (before.at(-1) ?? '').length + 1 }
  expect(found?.place).toMatchObject(place)
}

function lineOf(source: string, text: string): number {
  return source.slice(0, source.indexOf(text)).split('\n').length
}
