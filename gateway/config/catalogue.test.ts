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
const db = 'endpoint "postgres" "db" {\n  host = "db.test:5432"\n}\n'
const cluster = 'endpoint "kubernetes" "k" {\n  server = "k.test"\n}\n'
const login = (name: string, line: string) =>
  `credential "postgres_credential" "${name}" {\n  endpoint = postgres.db\n  user = "u"\n  ${line}\n}\n`
const key = 'credential "ssh_key" "key" {\n}\n'
const jump = (name: string, line = '') =>
  `${name === 'a' ? key : ''}tunnel "ssh_port_forward" "${name}" {\n  user = "u"\n  bastion = "b.test:22"\n  credential = ssh_key.key\n  ${line}\n}\n`
const human = (...grant: string[]) =>
  `approver "human_approver" "h" {\n  channel = "x"\n  sync_wait_timeout = "1s"\n  async_grant {\n    ${grant.join('\n    ')}\n  }\n}\n`
const clusterRule = (condition: string) =>
  `${base}${cluster}credential "passthrough" "open" {\n  endpoint = kubernetes.k\n}\nprofile "k" {\n  credentials = [passthrough.open]\n}\nrule "r" {\n  endpoint = kubernetes.k\n  condition = "${condition}"\n  verdict = "deny"\n}\n`
const withUrl = base.replace('gateway {', 'gateway {\n  public_url = "https://gate.test"')
const second = 'credential "bearer_token" "u" {\n  endpoint = https.a\n}\n'

/** « and » mark the place of the error and are taken out before loading; without them it has none, or any. */
type Row = readonly [id: string, what: string, source: string, message: RegExp, hint?: RegExp]

// biome-ignore format: a table is read row by row
const errors: readonly Row[] = [
  ['1', 'an empty file', '«', /gateway block is missing/],
  ['1', 'no gateway block', `«${version}`, /gateway block is missing/],
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
  ...['*@', 'a*@b', 'x'].map((entry): Row => ['18', `operators = ["${entry}"]`, inGateway(`tailscale {\n    operators = ["a@b", «"${entry}"»]\n  }`), /operators\[1\]: .* is not an operator.*user@domain/]),
  ['19', 'a session TTL in days', inGateway('dashboard_session_ttl = «"1d"»'), /unknown unit "d"/],
  ['20', 'a negative session_keep', inGateway('session_keep = «"-1h"»'), /negative/],
  ['21', 'actions_keep = "forever"', inGateway('actions_keep = «"forever"»'), /not a duration.*0 or off/],
  ['22', 'a size in an unknown unit', inGateway('limits {\n    body_buffer = «"1XB"»\n  }'), /unknown unit.*KiB/],
  ['23', 'a size of zero', inGateway('limits {\n    body_storage = «"0"»\n  }'), /must be positive/],
  ['25', 'an identifier in the gateway block', inGateway('state_dir = «somewhere»'), /Variables not allowed/],
  ['26', 'an unknown attribute in defaults', `${base}defaults {\n  «unmatch» = "deny"\n}\n`, /unsupported argument "unmatch"/, /unmatched/],
  ['27', 'an unknown endpoint type', `${base}endpoint «"http"» "b" {\n}\n`, /unknown endpoint type "http": known are clickhouse_https, clickhouse_native, https, kubernetes, openai_codex_https, postgres, ssh$/],
  ['28', 'an unknown credential type', `${base}credential «"bearer"» "u" {\n}\n`, /unknown credential type "bearer": known are anthropic_manual_key, anthropic_oauth_subscription, aws_credential, basic_auth, bearer_token, clickhouse_credential, cookie_token, /],
  ['29', 'a missing name label', `${base}«endpoint "https"» {\n  hosts = ["b.test"]\n}\n`, /name label is missing.*"<type>" "<name>"/],
  ['30', 'a third label', `${base}endpoint "https" "b" «"c"» {\n}\n`, /extraneous label "c"/],
  ['31', 'a rule with two labels', `${base}rule "http_rule" «"x"» {\n}\n`, /extraneous label "x": write rule "<name>"/],
  ['32', 'two rules of one name', `${deny()}«rule "r"» {\n  endpoint = https.a\n  verdict = "deny"\n}\n`, /duplicate rule name "r"/],
  ['33', 'two endpoints of one name', `${base}«endpoint "https" "a"» {\n  hosts = ["b.test"]\n}\n`, /duplicate endpoint name "a"/],
  ['34', 'an approver called dashboard', `${base}«approver "human_approver" "dashboard"» {\n  channel = ""\n}\n`, /"dashboard" is reserved: builtin\.dashboard/, /builtin\.dashboard/],
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
  ['43', 'a rule over http and sql', `${base}${db}rule "r" {\n  endpoints = «[https.a, postgres.db]»\n  verdict = "deny"\n}\n`, /families http and sql: split it/],
  ['43', 'a rule over http and k8s', `${base}${cluster}rule "r" {\n  endpoints = «[https.a, kubernetes.k]»\n  verdict = "deny"\n}\n`, /families http and k8s: split it/],
  ['44', 'a rule without an outcome', `${base}«rule "r"» {\n  endpoint = https.a\n}\n`, /has no outcome/, /verdict/],
  ['44', 'an empty verdict', rule('endpoint = https.a', 'verdict = «""»'), /has no outcome/, /verdict = "allow"/],
  ['45', 'verdict and approve', deny('«approve» = [builtin.dashboard]'), /verdict and approve: use one/],
  ['46', 'a verdict in capitals', rule('endpoint = https.a', 'verdict = «"DENY"»'), /must be "allow" or "deny", not "DENY"/],
  ['44', 'an empty list of approvers', rule('endpoint = https.a', 'approve = «[]»'), /has no outcome/],
  ['47', 'approve as a scalar', rule('endpoint = https.a', 'approve = «builtin.dashboard»'), /approve must be a list/, /\[builtin\.dashboard\]/],
  ['48', 'approve with an object', rule('endpoint = https.a', 'approve = [«{ stage = builtin.dashboard }»]'), /each stage is a reference/],
  ['49', 'approve with a bare dashboard', rule('endpoint = https.a', 'approve = [«dashboard»]'), /no variable named "dashboard"/, /builtin\.dashboard/],
  ['50', 'approve by a credential', rule('endpoint = https.a', 'approve = [«bearer_token.t»]'), /expected an approver, but bearer_token\.t is a credential/],
  ['50', 'approve by nobody', rule('endpoint = https.a', 'approve = [«"nobody"»]'), /no approver is called "nobody"/],
  ['51', 'an empty condition', deny('condition = «""»'), /condition is empty/, /leave it out/],
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
  ['67', 'a URL as server of a cluster', cluster.replace('"k.test"', '«"https://k.test"»').replace(/^/, base), /is a URL/],
  ['67', 'a URL with a port as server of a cluster', cluster.replace('"k.test"', '«"https://k.test:6443"»').replace(/^/, base), /is a URL/],
  ['68', 'one host twice', hosts('["a.test", «"A.test"»]'), /duplicate host "A\.test"/],
  ['69', 'a postgres endpoint without host', `${base}«endpoint "postgres" "db"» {\n}\n`, /needs the argument "host"/],
  ['69', 'a database on a postgres endpoint', base + db.replace('host =', '«database» = "x"\n  host ='), /unsupported argument "database"/],
  ['70', 'accept_invalid_certificate without tls', `${base}endpoint "clickhouse_native" "c" {\n  hosts = ["c.test"]\n  accept_invalid_certificate = «true»\n}\n`, /needs tls/],
  ['71', 'text that names no tunnel', inEndpoint('tunnel = «"b"»'), /no tunnel is called "b"/],
  ['71', 'a tunnel nobody declared', inEndpoint('tunnel = «ssh_port_forward».b'), /no variable named "ssh_port_forward"/],
  ['72', 'a description that is a number', inEndpoint('description = «5»'), /must be a string, not a number/],
  ['73', 'a retention in days', inEndpoint('retention = «"30d"»'), /unknown unit "d"/],
  ['73', 'a negative retention', inEndpoint('retention = «"-1h"»'), /negative/],
  ['74', 'a share nobody knows', base + jump('a', 'share = «"global"»'), /"singleton" or "per_endpoint" or "per_conn", not "global"/],
  ['74', 'a keepalive in days', base + jump('a', 'keepalive = «"1d"»'), /keepalive: .*unknown unit "d"/],
  ['74', 'a negative keepalive', base + jump('a', 'keepalive = «"-1m"»'), /keepalive: .*negative/],
  ['75', 'tunnels that lead to each other', base + jump('a', 'via = ssh_port_forward.b') + jump('b', 'via = «ssh_port_forward.a»'), /tunnel "a" leads back to itself: "a" via "b" via "a"/],
  ['75', 'a tunnel that leads to itself', base + jump('a', 'via = «ssh_port_forward.a»'), /tunnel "a" leads back to itself/],
  ['76', 'a tunneled endpoint with addresses only', `${hosts('["10.0.0.9", "[::1]:443"]\n  tunnel = «ssh_port_forward.a»')}${jump('a')}`, /endpoint "a" has no host name, which its tunnel needs/, /by name/],
  ['77', 'a credential with endpoint and endpoints', base.replace('endpoint = https.a\n', 'endpoint = https.a\n  «endpoints» = [https.a]\n'), /use one/],
  ['78', 'endpoints that is no list', base.replace('endpoint = https.a', 'endpoints = «https.a»'), /endpoints: must be a list/],
  ['79', 'a secret in the file', base.replace('endpoint = https.a\n', 'endpoint = https.a\n  «token» = "x"\n'), /unsupported argument "token"/],
  ['80', 'basic_auth without username', `${base}«credential "basic_auth" "b"» {\n}\n`, /needs the argument "username"/],
  ['80', 'header_token without header', `${base}«credential "header_token" "h"» {\n}\n`, /needs the argument "header"/],
  ['81', 'a placeholder where none is allowed', `${base}credential "mtls_credential" "m" {\n  «placeholder» = "x"\n}\n`, /mtls_credential has no disambiguators/],
  ['81', 'a placeholder on a database credential', `${base}credential "postgres_credential" "p" {\n  «placeholder» = "x"\n}\n`, /placeholder cannot pick a credential of type postgres_credential: allowed: user, database/],
  ['82', 'an attribute on passthrough', `${base}credential "passthrough" "p" {\n  «secret» = "x"\n}\n`, /unsupported argument "secret"/],
  ['83', 'a profile without credentials', `${token}«profile "default"» {\n}\n`, /needs the argument "credentials"/],
  ['84', 'credentials that is no list', profile('«bearer_token.t»'), /must be a list/],
  ['84', 'a number among credentials', profile('[«5»]'), /expected a credential, found 5/],
  ['85', 'a credential nobody declared', profile('[bearer_token«.nope»]'), /attribute named "nope"/],
  ['85', 'text that names no credential', profile('[«"nope"»]'), /no credential is called "nope"/],
  ['86', 'an entry without credential', profile('[«{ placeholder = "x" }»]'), /has no credential/],
  ['87', 'an empty disambiguator', profile('[{ credential = bearer_token.t, placeholder = «""» }]'), /non-empty string/],
  ['87', 'a disambiguator that is no text', profile('[{ credential = bearer_token.t, placeholder = «5» }]'), /non-empty string/],
  ['88', 'a field that picks nothing', profile('[{ credential = bearer_token.t, «user» = "x" }]'), /user cannot pick a credential of type bearer_token: allowed: placeholder/],
  ['89', 'two fallbacks', profile('[bearer_token.t, «bearer_token.u»]', second), /credentials "t" and "u" are both the fallback on endpoint "a" in profile "default"/, /give one of them a placeholder/],
  ['89', 'one credential twice', profile('[bearer_token.t, «bearer_token.t»]'), /"t" is listed twice/],
  ['90', 'two equal disambiguators', profile('[{ credential = bearer_token.t, placeholder = "x" }, «{ credential = bearer_token.u, placeholder = "x" }»]', second), /"t" and "u".*placeholder = "x"/],
  ['90', 'two equal disambiguators of blocks', `${base}${db}${login('p', 'database = "x"')}${login('q', 'database = "x"')}profile "p" {\n  credentials = [postgres_credential.p, «postgres_credential.q»]\n}\n`, /"p" and "q".*database = "x"/],
  ['91', 'a disambiguator that chooses nothing', profile('[«{ credential = bearer_token.t, placeholder = "x" }»]'), /has no effect/],
  ['92', 'endpoints in a profile', `${token}profile "default" {\n  credentials = []\n  «endpoints» = []\n}\n`, /unsupported argument "endpoints"/],
  ['93', 'a human_approver without channel', `${base}«approver "human_approver" "h"» {\n}\n`, /approver "h" needs the argument "channel"/],
  ['93', 'an llm_approver without model', `${base}«approver "llm_approver" "l"» {\n  credential = bearer_token.t\n}\n`, /approver "l" needs the argument "model"/],
  ['93', 'an llm_approver without credential', `${base}«approver "llm_approver" "l"» {\n  model = "claude-x"\n}\n`, /approver "l" needs the argument "credential"/],
  ['94', 'an async grant with a bad lifetime', base + human('enabled = true', 'approved_retry_ttl = «"5d"»'), /approver "h".*approved_retry_ttl.*unknown unit "d"/],
  ['94', 'an async grant without a lifetime', base + human('enabled = true', 'approved_retry_ttl = «"0s"»'), /approver "h".*approved_retry_ttl.*above zero/],
  ['94', 'an async grant with another fingerprint', base + human('enabled = true', 'fingerprint_body = «"json"»'), /approver "h".*fingerprint_body.*"raw"/],
  ['94', 'an async grant for no body', base + human('enabled = true', 'max_body_bytes = «0»'), /approver "h".*max_body_bytes/],
  ['94', 'an async grant for too large a body', base + human('enabled = true', 'max_body_bytes = «8388609»'), /approver "h".*max_body_bytes/],
  ['94', 'an async grant that waits for nothing', base + human('enabled = true').replace('"1s"', '«"0s"»'), /approver "h".*sync_wait_timeout.*above zero/],
  ['95', 'an async grant without public_url', base + human('enabled = true').replace('async_grant', '«async_grant»'), /approver "h".*needs public_url/, /https:\/\//],
  ['95', 'a profile that opts in without public_url', base.replace('[bearer_token.t]\n', '[bearer_token.t]\n  hitl_async_grants = «true»\n'), /profile "default": hitl_async_grants needs public_url/],
  ['95', 'a public_url that is not absolute', inGateway('public_url = «"gate.example.com"»'), /not an absolute URL/],
  ['96', 'a function call', deny('reason = «upper("x")»'), /Function calls not allowed/],
  ['97', 'an environment variable', hosts('["${«env».HOST}"]'), /no variable named "env"/],
  ['98', 'a file that is not there', inEndpoint('ca_cert = «"<<file:nope.pem>>"»'), /cannot read .*nope\.pem: it does not exist/],
  ['99', 'a file marker without end', inEndpoint('ca_cert = «"<<file:x"»'), /no closing >>/],
  ['98', 'a file of a cluster that is not there', base + cluster.replace('server', 'ca_cert = «"<<file:/no/ca.pem>>"»\n  server'), /cannot read \/no\/ca\.pem: it does not exist/],
  ['98', 'a file of a tunnel that is not there', `${base}tunnel "kubernetes_port_forward" "t" {\n  port = 1\n  pod = "p"\n  ca_cert = «"<<file:nope.pem>>"»\n}\n`, /cannot read .*nope\.pem: it does not exist/],
  ['100', 'a plugin without source', `${base}«plugin "x"» {\n}\n`, /plugin "x" needs the argument "source"/],
  ['102', 'a type that only a plugin may know', `${base}plugin "x" {\n  source = "./x"\n}\nendpoint «"redis"» "r" {\n}\n`, /unknown endpoint type "redis"/, /does not start plugins/],
  ['102', 'a plugin from nowhere', `${base}plugin "x" {\n  source = «"http://x.test/p"»\n}\n`, /is no source.*github\.com\/<owner>\/<repo>/],
  ['102', 'a plugin that may read the state', `${base.replace('gateway {', 'gateway {\n  state_dir = "/var/lib/cp"')}plugin "x" {\n  source = "/opt/x"\n  read_paths = ["/etc", «"/var"»]\n}\n`, /plugin "x": read_paths overlaps the state directory "\/var\/lib\/cp"/],
  ['102', 'a reference in a plugin block', `${base}plugin "x" {\n  source = «https».a\n}\n`, /Variables not allowed/],
  ['102', 'two plugins of one name', `${base}plugin "x" {\n  source = "/opt/x"\n}\n«plugin "x"» {\n  source = "/opt/y"\n}\n`, /duplicate plugin name "x"/],
  ['102', 'a plugin version that is none', `${base}plugin "x" {\n  source = "github.com/a/b"\n  version = «"latest"»\n}\n`, /no version constraint/],
  ['FIX', 'a malformed subnet', head.replace('"10.0.0.0/24"', '«"10.0.0.0/99"»'), /not a CIDR block/],
  ['FIX', 'a bad enumeration in defaults', `${base}defaults {\n  unknown_host = «"reject"»\n}\n`, /"passthrough" or "deny", not "reject"/],
  ...['llm_fail_mode', 'human_on_timeout', 'unmatched'].map((name): Row => ['FIX', `${name} misspelt`, `${base}defaults {\n  ${name} = «"opn"»\n}\n`, new RegExp(`${name}: must be .* not "opn"`)]),
  ['FIX', 'an unmatched of an endpoint misspelt', inEndpoint('unmatched = «"block"»'), /"allow" or "deny", not "block"/],
  ['FIX', 'a mode of a rule misspelt', deny('mode = «"dry-run"»'), /"enforce" or "shadow", not "dry-run"/],
  ['FIX', 'an sslmode that is none', base + db.replace('host =', 'sslmode = «"verify"»\n  host ='), /"disable" or "prefer" or "require" or "verify-full", not "verify"/],
  ['FIX', 'a postgres host without port', base + db.replace('"db.test:5432"', '«"db.test"»'), /not host:port/],
  ['FIX', 'a credential that is of no use on its endpoint', `${base}endpoint "ssh" "s" {\n  hosts = ["s.test"]\n}\ncredential "bearer_token" "u" {\n  endpoint = «ssh.s»\n}\n`, /credential "u": bearer_token is of no use on ssh endpoints/, /fills http; they accept ssh/],
  ['FIX', 'two endpoints of a profile sharing a host', `${api}endpoint "https" "b" {\n  hosts = [«"A.test:443"»]\n}\ncredential "passthrough" "p" {\n  endpoints = [https.a, https.b]\n}\nprofile "default" {\n  credentials = [passthrough.p]\n}\n`, /"a" and "b" of profile "default" both claim the host a\.test/],
  ['FIX', 'a constant bad regex', deny('condition = "http.path.matches(\'(\')"'), /^condition: /],
  ['OURS', 'an upstream without a port', inEndpoint('upstream = «"localhost"»'), /not host:port/],
  ['OURS', 'a ca_cert that is no certificate', inEndpoint('ca_cert = «"x"»'), /no certificate/],
  ['OURS', 'a relay_allow that is no CIDR', inGateway('relay_allow = ["10.0.0.0/8", «"x"»]'), /not a CIDR block/],
  ['OURS', 'more stored of a body than is recorded', base.replace('gateway {', 'gateway {\n  limits {\n    «body_storage» = "5MiB"\n  }\n'), /body_storage \(5242880 bytes\) is above 4194304 bytes/],
]

// biome-ignore format: a table is read row by row
const warnings: readonly Row[] = [
  ['14', 'no schema_version', `«${base.replace(version, '')}`, /schema_version is not set/],
  ['24', 'a buffer below what is stored', base.replace('gateway {', 'gateway {\n  limits {\n    «body_buffer» = "1KiB"\n  }\n'), /body_buffer \(1024 bytes\) is below body_storage \(4096 bytes\)/],
  ['FIX', 'hosts = []', hosts('«[]»'), /endpoint "a" has no hosts: it is never reached/],
  ['FIX', 'a cluster without hosts and server', `${base}«endpoint "kubernetes" "k"» {\n}\n`, /endpoint "k" has no hosts/],
  ['FIX', 'hitl_async_grants = "yes"', base.replace('[bearer_token.t]\n', '[bearer_token.t]\n  hitl_async_grants = «"yes"»\n'), /must be true or false: it counts as false/],
  ['FIX', 'a model nobody knows', `${base}approver "llm_approver" "l" {\n  model = «"gemini-2"»\n  credential = bearer_token.t\n}\n`, /model family.*claude-, gpt- or o/],
  ['FIX', 'a k8s parameter read without a guard', clusterRule('k8s.verb == \'exec\' && k8s.params.command == \'sh\''), /reads k8s\.params\.command/, /'command' in k8s\.params/],
  ['FIX', 'an approver that writes with the wrong credential', `${base}approver "human_approver" "h" {\n  channel = "x"\n  credential = «bearer_token.t»\n}\n`, /bearer_token\.t is of no use here: only slack_tokens is/],
  ['FIX', 'an async grant that no profile opts into', withUrl + human('enabled = true').replace('async_grant', '«async_grant»'), /no profile has hitl_async_grants/],
  ['FIX', 'an opt-in without any async grant', withUrl.replace('[bearer_token.t]\n', '[bearer_token.t]\n  hitl_async_grants = «true»\n'), /no approver has async_grant/],
  ['OURS', 'a timeout of nothing', `${base}defaults {\n  human_timeout = «0»\n}\n`, /600 seconds hold instead/],
  ['OURS', 'a version of a plugin on this host', `${base}plugin "x" {\n  source = "./x"\n  «version» = "1.0"\n}\n`, /version has no effect/],
  ['OURS', 'what no interface is made of', base.replace('endpoint = "127', '«interface» = "wg0"\n    endpoint = "127'), /interface has no effect/],
  ['COMPAT', 'a cookie without a name', `${base}«credential "cookie_token" "c"» {\n}\n`, /without cookie_name no secret is sent/],
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
