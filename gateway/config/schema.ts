import { z } from 'zod'
import { field, flag, text, whole } from '../../workers/contract/fields.ts'
import { cidr, clientSubnet, hostPort, keep, nameServer, positiveDuration, publicUrl, size } from './scalars.ts'
import { tailscaleSchema } from './tailscale-block.ts'

const port = () => whole().refine((value) => value >= 1 && value <= 65535, { error: 'must be a port, 1 to 65535' })

const limits = z.strictObject({
  body_buffer: field(size().optional(), {
    doc: 'Bytes of a request body that rules can see; beyond it the body is unknown.',
    unit: 'size',
    fallback: '1MiB',
  }),
  body_storage: field(size().optional(), {
    doc: 'Bytes kept per recorded body, at most 4MiB.',
    unit: 'size',
    fallback: '4KiB',
  }),
})

const genaiTelemetry = z.strictObject({
  include_message_content: field(flag().optional(), {
    doc: 'Adds messages and tool schemas to the spans.',
    fallback: 'false',
  }),
})

const wireguard = z.strictObject({
  subnet_cidr: field(clientSubnet(), { doc: 'Subnet the clients get addresses from.', example: '"10.77.0.0/24"' }),
  listen_port: field(port().optional(), { doc: 'UDP port.', fallback: '51820' }),
  host_loopback_port: field(port().optional(), {
    doc: 'TCP port on 127.0.0.1 for clients on this host.',
    fallback: '8443',
  }),
  endpoint: field(text().optional(), {
    doc: 'host:port that clients dial; the host of public_url with listen_port when it is not set.',
    example: '"gate.example.com:51820"',
  }),
  interface: field(text().optional(), { doc: 'Accepted for older files; not used.' }),
  server_pub: field(text().optional(), { doc: 'Accepted for older files; the key is derived.' }),
})

/** `gateway { … }` */
export const gatewaySchema = z.strictObject({
  dashboard_listen: field(hostPort().optional(), {
    doc: 'Where the API listens on the host.',
    fallback: '127.0.0.1:8080',
  }),
  public_url: field(publicUrl().optional(), {
    doc: 'External URL of the gateway.',
    example: '"https://gate.example.com"',
  }),
  state_dir: field(
    text()
      .refine((value) => value !== '', { error: 'must not be empty' })
      .optional(),
    { doc: 'Directory of the database.', fallback: '$HOME/.clawpatrol' },
  ),
  dashboard_session_ttl: field(positiveDuration().optional(), {
    doc: 'Life of a dashboard login.',
    unit: 'duration',
    fallback: '24h',
  }),
  dashboard_config_writes: field(flag().optional(), {
    doc: 'Lets the dashboard append to this file.',
    fallback: 'false',
  }),
  resolver: field(nameServer().optional(), { doc: 'DNS server for upstream look-ups; the system one when not set.' }),
  log_path: field(text().optional(), {
    doc: 'File that log lines are appended to, besides standard error; opened anew on SIGHUP.',
    example: '"/var/log/clawpatrol.log"',
  }),
  telemetry: field(flag().optional(), { doc: 'false stops the update check.', fallback: 'true' }),
  session_keep: field(keep().optional(), { doc: 'How long sessions are kept.', unit: 'duration', fallback: '720h' }),
  actions_keep: field(keep().optional(), { doc: 'How long records are kept.', unit: 'duration', fallback: '720h' }),
  relay_allow: field(z.array(cidr()).optional(), {
    doc: 'Addresses that traffic no endpoint claims may reach although they are private or this host.',
    example: '["10.20.0.0/16"]',
  }),
  join_pin: field(z.enum(['off', 'warn', 'enforce']).optional(), {
    doc: 'A device that dials from another address than it joined from: off lets it, warn logs it, enforce blocks it.',
    fallback: 'off',
    example: '"warn"',
  }),
  limits: field(limits.optional(), { doc: 'Sizes of what is inspected and recorded.', block: true }),
  genai_telemetry: field(genaiTelemetry.optional(), { doc: 'Spans of model calls.', block: true }),
  wireguard: field(wireguard.optional(), { doc: 'Agents arrive through WireGuard.', block: true }),
  tailscale: field(tailscaleSchema.optional(), { doc: 'Agents arrive through a tailnet.', block: true }),
})

/** `defaults { … }` */
export const defaultsSchema = z.strictObject({
  unknown_host: field(z.enum(['passthrough', 'deny']).optional(), {
    doc: 'What happens to flows no endpoint claims.',
    fallback: 'passthrough',
  }),
  human_timeout: field(whole().optional(), {
    doc: 'Seconds people have to answer, where their approver does not say.',
    fallback: '600',
  }),
  llm_fail_mode: field(z.enum(['closed', 'open']).optional(), {
    doc: 'What a model that cannot be asked means: closed denies, open allows.',
    fallback: '"closed"',
  }),
  llm_cache_ttl: field(whole().optional(), {
    doc: 'Seconds the verdict of a model holds for the same question.',
    fallback: '0: it is asked every time',
  }),
  human_on_timeout: field(z.enum(['deny', 'allow']).optional(), {
    doc: 'What it means when nobody answers in time.',
    fallback: '"deny"',
  }),
  unmatched: field(z.enum(['allow', 'deny']).optional(), {
    doc: 'What becomes of an action that no rule of its endpoint matches.',
    fallback: 'allow',
    example: '"deny"',
  }),
})

/** Attributes every endpoint has besides those of its type. */
export const endpointSchema = z.strictObject({
  description: field(z.string().optional(), { doc: 'Shown to agents.' }),
  retention: field(keep().optional(), { doc: 'Overrides actions_keep for this endpoint.', unit: 'duration' }),
  tunnel: field(z.unknown().optional(), {
    doc: 'Tunnel the upstream is reached through.',
    ref: 'tunnel',
    example: 'ssh_port_forward.jump',
  }),
  unmatched: field(z.enum(['allow', 'deny']).optional(), {
    doc: 'What becomes of an action that no rule matches.',
    fallback: 'what defaults say',
    example: '"deny"',
  }),
})

/** Attributes every credential has besides those of its type. */
export const credentialSchema = z.strictObject({
  endpoint: field(z.unknown().optional(), { doc: 'The endpoint it is for.', ref: 'endpoint', example: 'https.api' }),
  endpoints: field(z.array(z.unknown()).optional(), { doc: 'The endpoints it is for.', ref: 'endpoint' }),
  placeholder: field(z.string().optional(), {
    doc: 'What the agent holds instead; picks this credential among several.',
  }),
  description: field(z.string().optional(), { doc: 'Shown to agents.' }),
})

/** `rule "<name>" { … }` */
export const ruleSchema = z.strictObject({
  endpoint: field(z.unknown().optional(), { doc: 'The endpoint it judges.', ref: 'endpoint', example: 'https.api' }),
  endpoints: field(z.array(z.unknown()).optional(), { doc: 'The endpoints it judges.', ref: 'endpoint' }),
  priority: field(whole().optional(), { doc: 'Higher is tried first.', fallback: '0' }),
  disabled: field(flag().optional(), { doc: 'Checked but never tried.', fallback: 'false' }),
  condition: field(text().optional(), { doc: 'CEL; matches everything when not set.' }),
  credential: field(z.unknown().optional(), { doc: 'Only actions sent with this credential.', ref: 'credential' }),
  verdict: field(z.enum(['allow', 'deny']).optional(), { doc: 'allow or deny.', example: '"deny"' }),
  approve: field(z.unknown().optional(), {
    doc: 'Approvers who are asked in this order; all of them must allow. Instead of verdict.',
    ref: 'approver',
    example: '[builtin.dashboard]',
  }),
  reason: field(
    text()
      .refine((reason) => reason.length <= 4096, { error: 'must be at most 4096 characters' })
      .optional(),
    {
      doc: 'Told to the agent on deny, and to approvers; at most 4096 characters.',
      fallback: '"denied by policy", with approve "a rule wants approval"',
    },
  ),
  limit_rows: field(
    whole()
      .refine((rows) => rows > 0, { error: 'must be above zero' })
      .optional(),
    {
      doc: 'Most rows a statement that the rule lets pass may give: one more ends it with an error. Only for SQL.',
      fallback: 'no limit',
      example: '10000',
    },
  ),
  limit_bytes: field(size().optional(), {
    doc: 'The same for the bytes of its rows as they are sent.',
    unit: 'size',
    fallback: 'no limit',
    example: '"64MiB"',
  }),
  mode: field(z.enum(['enforce', 'shadow']).optional(), {
    doc: 'shadow: evaluated and recorded as what it would have done, never decides.',
    fallback: '"enforce"',
    example: '"shadow"',
  }),
})

/** `profile "<name>" { … }` */
export const profileSchema = z.strictObject({
  credentials: field(z.array(z.unknown()), {
    doc: 'Credentials its devices may use; each a reference, or { credential = …, placeholder = "…" }.',
    example: '[bearer_token.api]',
  }),
  hitl_async_grants: field(z.unknown().optional(), {
    doc: 'true: its requests may be answered before they are approved and come back later; see async_grant of human_approver.',
    fallback: 'false',
  }),
})

const sourceForm = /^(\/|\.\/|~\/).|^github\.com\/[\w.-]+\/[\w.-]+$/
const constraintForm = /^\s*(>=|<=|!=|~>|=|>|<)?\s*v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?\s*$/

/** `plugin "<name>" { … }` */
export const pluginSchema = z.strictObject({
  source: field(
    text().refine((value) => sourceForm.test(value), {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is no source: write a path starting with /, ./ or ~/, or github.com/<owner>/<repo>`,
    }),
    {
      doc: 'Where it comes from: a path starting with /, ./ or ~/, or github.com/<owner>/<repo>.',
      example: '"github.com/acme/clawpatrol-redis"',
    },
  ),
  version: field(
    text()
      .refine((value) => value.split(',').every((part) => constraintForm.test(part)), {
        error: (issue) => `${JSON.stringify(issue.input)} is no version constraint, like ">= 1.0, < 2.0" or "~> 1.2"`,
      })
      .optional(),
    { doc: 'Which releases may be used; only from GitHub.', example: '"~> 1.2"', fallback: 'the newest' },
  ),
  provenance: field(z.enum(['warn', 'require', 'off']).optional(), {
    doc: 'Whether a release must be attested by the workflow that built it; only from GitHub.',
    fallback: '"warn"',
  }),
  network: field(z.enum(['none', 'outbound']).optional(), {
    doc: 'Network access it gets.',
    fallback: 'what its manifest asks for',
  }),
  sandbox: field(z.enum(['enforce', 'off']).optional(), { doc: 'Whether it is confined.', fallback: '"enforce"' }),
  read_paths: field(
    z
      .array(
        text().refine((value) => value.startsWith('/') || value.startsWith('~/'), {
          error: (issue) => `${JSON.stringify(issue.input)} must be an absolute path, or start with ~/`,
        }),
      )
      .optional(),
    { doc: 'Files and directories it may read besides its own.', example: '["/etc/ssl/certs"]' },
  ),
})

/** Settings of the gateway block as decoded. */
export type GatewayInput = z.output<typeof gatewaySchema>
/** Settings of the defaults block as decoded. */
export type DefaultsInput = z.output<typeof defaultsSchema>
/** Settings of a rule block as decoded. */
export type RuleInput = z.output<typeof ruleSchema>
