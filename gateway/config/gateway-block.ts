import { homedir } from 'node:os'
import { join } from 'node:path'
import { mostSampleBytes } from '../../workers/contract/action.ts'
import type { Address } from '../../workers/contract/ids.ts'
import type { Single } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import { type Report, type Spot, topOfFiles } from './diagnostics.ts'
import type { Body } from './hcl/syntax.ts'
import type { GatewaySettings, WireguardSettings } from './policy.ts'
import { attributeOf } from './resolve.ts'
import { parseHostPort } from './scalars.ts'
import { type GatewayInput, gatewaySchema } from './schema.ts'
import { tailscaleOf } from './tailscale-block.ts'

const hourMs = 3_600_000

/** Decodes and cross-checks `gateway { … }`; null when something was wrong. */
export function compileGateway(decoding: Decoding, single: Single | null): GatewaySettings | null {
  const { report } = decoding
  if (single === null) {
    report.error(
      topOfFiles,
      'the gateway block is missing: write gateway { … } with a wireguard or tailscale block in it',
    )
    return null
  }
  const { file, block } = single
  const from = { file, body: block.body, header: block.header, title: 'gateway' }
  const input = decode(decoding, from, gatewaySchema)
  const spot = { file, span: block.header }
  if (!block.body.blocks.some(({ type }) => type === 'wireguard' || type === 'tailscale'))
    report.error(spot, 'no transport is enabled: agents cannot arrive', {
      hint: 'add tailscale { … } or wireguard { subnet_cidr = "10.77.0.0/24" } to the gateway block',
    })
  if (input === null) return null
  warnUnused(report, file, block.body)
  return settingsOf(report, { file, body: block.body, spot }, input)
}

interface Written {
  readonly file: number
  readonly body: Body
  readonly spot: Spot
}

function settingsOf(report: Report, written: Written, input: GatewayInput): GatewaySettings | null {
  const inspectBytes = input.limits?.body_buffer ?? 1024 * 1024
  const sampleBytes = input.limits?.body_storage ?? 4096
  if (inspectBytes < sampleBytes)
    report.warn(
      limitsSpot(written, 'body_buffer'),
      `body_buffer (${inspectBytes} bytes) is below body_storage (${sampleBytes} bytes)`,
      {
        hint: 'bodies are recorded further than rules can see them',
      },
    )
  if (sampleBytes > mostSampleBytes)
    report.error(
      limitsSpot(written, 'body_storage'),
      `body_storage (${sampleBytes} bytes) is above ${mostSampleBytes} bytes`,
      {
        hint: 'no more than 4MiB of a body is recorded',
      },
    )
  const wireguard = input.wireguard === undefined ? null : wireguardOf(report, written, input, input.wireguard)
  const tailscale = input.tailscale === undefined ? null : tailscaleOf(report, written, input.tailscale)
  if (wireguard === undefined || tailscale === undefined) return null
  return {
    stateDir: input.state_dir ?? join(homedir(), '.clawpatrol'),
    dashboardListen: input.dashboard_listen ?? { host: '127.0.0.1', port: 8080 },
    publicUrl: input.public_url ?? null,
    dashboardSessionTtlMs: input.dashboard_session_ttl ?? 24 * hourMs,
    dashboardConfigWrites: input.dashboard_config_writes ?? false,
    resolver: input.resolver ?? null,
    logPath: input.log_path === undefined || input.log_path === '' ? null : input.log_path,
    telemetry: input.telemetry ?? true,
    genaiTelemetry:
      input.genai_telemetry === undefined
        ? null
        : { includeMessageContent: input.genai_telemetry.include_message_content ?? false },
    sessionKeepMs: input.session_keep === undefined ? 720 * hourMs : input.session_keep,
    actionsKeepMs: input.actions_keep === undefined ? 720 * hourMs : input.actions_keep,
    relayAllow: input.relay_allow ?? [],
    joinPin: input.join_pin ?? 'off',
    inspectBytes,
    sampleBytes,
    wireguard,
    tailscale,
  }
}

/** @returns undefined when clients would not know what to dial */
function wireguardOf(
  report: Report,
  { file, body, spot }: Written,
  { public_url }: GatewayInput,
  input: NonNullable<GatewayInput['wireguard']>,
): WireguardSettings | undefined {
  const block = body.blocks.find(({ type }) => type === 'wireguard')
  const attribute = block === undefined ? undefined : attributeOf(block.body, 'endpoint')
  const listenPort = input.listen_port ?? 51820
  const endpoint = dialTarget(input.endpoint, public_url, listenPort)
  if (endpoint === null) {
    const where =
      attribute !== undefined ? { file, span: attribute.value.at } : { file, span: block?.header ?? spot.span }
    const found = input.endpoint === undefined ? '' : `: ${JSON.stringify(input.endpoint)} is nothing a client can dial`
    report.error(where, `clients have no address to dial${found}`, {
      hint: 'set public_url, or wireguard endpoint = "gate.example.com:51820", or for this host endpoint = "127.0.0.1:51820"',
    })
    return undefined
  }
  return {
    subnetCidr: input.subnet_cidr,
    listenPort,
    hostLoopbackPort: input.host_loopback_port ?? 8443,
    endpoint,
  }
}

function dialTarget(endpoint: string | undefined, publicUrl: string | undefined, port: number): Address | null {
  if (endpoint !== undefined) {
    const loopback = ['127.0.0.1', '::1', 'localhost'].includes(endpoint)
    const found = loopback ? { host: endpoint, port } : parseHostPort(endpoint)
    if (found !== null && !['', '0.0.0.0', '::'].includes(found.host)) return found
  }
  if (publicUrl === undefined) return null
  const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')
  return { host, port }
}

function limitsSpot({ file, body, spot }: Written, name: string): Spot {
  const limits = body.blocks.find(({ type }) => type === 'limits')
  const attribute = limits === undefined ? undefined : attributeOf(limits.body, name)
  return attribute !== undefined
    ? { file, span: attribute.at }
    : limits !== undefined
      ? { file, span: limits.header }
      : spot
}

function warnUnused(report: Report, file: number, body: Body): void {
  const wireguard = body.blocks.find(({ type }) => type === 'wireguard')
  for (const name of ['interface', 'server_pub']) {
    const written = wireguard === undefined ? undefined : attributeOf(wireguard.body, name)
    if (written === undefined) continue
    const why = name === 'interface' ? 'no network interface is made' : 'the key is derived from the state'
    report.warn({ file, span: written.at }, `${name} has no effect: ${why}`)
  }
  const spans = body.blocks.find(({ type }) => type === 'genai_telemetry')
  if (spans !== undefined)
    report.warn({ file, span: spans.header }, 'genai_telemetry has no effect: it is not in this version yet')
}
