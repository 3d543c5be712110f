import type {
  Address,
  ApproverName,
  CredentialName,
  EndpointName,
  ProfileName,
  RuleName,
  TunnelName,
} from '../../workers/contract/ids.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import type { PinMode } from '../onboarding/pinning.ts'

/** Everything one configuration says, compiled. Immutable: a reload makes a new one. */
export interface Policy {
  /** SHA-256 over the bytes of the files and of what they include. */
  readonly revision: string
  readonly schemaVersion: number
  readonly gateway: GatewaySettings
  readonly defaults: DefaultSettings
  readonly profiles: ReadonlyMap<ProfileName, Profile>
  /** Profile of a device that was given none: the one called default, else the first declared. */
  readonly deviceDefaultProfile: ProfileName | null
  /** All declared endpoints, reachable or not. */
  readonly endpoints: readonly DeclaredEndpoint[]
  readonly credentials: readonly DeclaredCredential[]
  /** Rules that are switched off: checked, never evaluated. */
  readonly disabledRules: readonly { readonly name: RuleName; readonly endpoints: readonly EndpointName[] }[]
  readonly approvals: ApprovalSettings
  /** All declared approvers and `builtin.dashboard`, which is always there. */
  readonly approvers: ReadonlyMap<ApproverName, DeclaredApprover>
  readonly tunnels: ReadonlyMap<TunnelName, DeclaredTunnel>
  readonly plugins: readonly DeclaredPlugin[]
  /** Files whose change may change the policy: the configuration and what it includes. */
  readonly files: readonly string[]
}

/** The gateway block with its defaults filled in. */
export interface GatewaySettings {
  readonly stateDir: string
  readonly dashboardListen: Address
  /** Without a slash at its end. */
  readonly publicUrl: string | null
  readonly dashboardSessionTtlMs: number
  readonly dashboardConfigWrites: boolean
  /** null: the system's resolver. */
  readonly resolver: Address | null
  /** File that log lines are appended to besides standard error; null: none. */
  readonly logPath: string | null
  readonly telemetry: boolean
  /** Spans of model calls; null: none. */
  readonly genaiTelemetry: { readonly includeMessageContent: boolean } | null
  /** null: for ever. */
  readonly sessionKeepMs: number | null
  readonly actionsKeepMs: number | null
  /** CIDR blocks unclaimed flows may reach although the destination policy would refuse. */
  readonly relayAllow: readonly string[]
  /** What happens to devices that dial from elsewhere than where they joined, unless they are told something else. */
  readonly joinPin: PinMode
  readonly inspectBytes: number
  readonly sampleBytes: number
  readonly wireguard: WireguardSettings | null
  readonly tailscale: TailscaleSettings | null
}

export interface WireguardSettings {
  readonly subnetCidr: string
  readonly listenPort: number
  readonly hostLoopbackPort: number
  /** What clients dial. */
  readonly endpoint: Address
}

/** The tailscale block with its defaults filled in. Secrets are as written: `{{secret:NAME}}` is not expanded yet. */
export interface TailscaleSettings {
  /** null: it comes from the environment, if at all. */
  readonly authkey: string | null
  /** What the gateway asks to be called in the tailnet. */
  readonly hostname: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** What devices are tagged with; never empty. */
  readonly tags: readonly string[]
  /** `user@domain` or `*@domain`. */
  readonly operators: readonly string[]
  readonly funnel: boolean
  /** The API client that makes join keys. */
  readonly oauth: { readonly clientId: string; readonly clientSecret: string } | null
  /** Without a slash at its end. */
  readonly apiUrl: string
  /** One key for all devices, where none can be made. */
  readonly clientAuthkey: string | null
}

/** The defaults block with its defaults filled in. */
export interface DefaultSettings {
  readonly unknownHost: 'splice' | 'deny'
  /** What becomes of an action no rule matches, where the endpoint does not say. */
  readonly unmatched: 'allow' | 'deny'
}

/** How approvals go, from the defaults block and the profiles. */
export interface ApprovalSettings {
  /** How long people have, where their approver does not say. */
  readonly humanTimeoutMs: number
  /** What no answer in that time means. */
  readonly humanOnTimeout: 'deny' | 'allow'
  /** What a model that cannot be asked means: closed denies, open allows. */
  readonly llmFailMode: 'closed' | 'open'
  /** How long a model's verdict holds for the same question; 0: every time it is asked. */
  readonly llmCacheTtlMs: number
  /** Profiles whose requests may be answered before the approval (`hitl_async_grants`). */
  readonly asyncProfiles: readonly ProfileName[]
}

export interface DeclaredApprover {
  readonly name: ApproverName
  /** `builtin` for the dashboard. */
  readonly type: string
  readonly settings: unknown
  /** How long it has to answer, with the default filled in; above zero. */
  readonly timeoutMs: number
}

export interface DeclaredTunnel {
  readonly name: TunnelName
  readonly type: string
  readonly settings: unknown
  /** Who uses one connection of it together. */
  readonly share: 'singleton' | 'per_endpoint' | 'per_conn'
  /** How long it stays open unused; null: always. */
  readonly keepaliveMs: number | null
  /** The tunnel it is opened through. */
  readonly via: TunnelName | null
  readonly credential: CredentialName | null
}

export interface DeclaredPlugin {
  readonly name: string
  /** A path, or `github.com/<owner>/<repo>`. */
  readonly source: string
  /** Constraint on the version; null: any. */
  readonly version: string | null
  readonly provenance: 'warn' | 'require' | 'off'
  /** null: as its manifest says. */
  readonly network: 'none' | 'outbound' | null
  readonly sandbox: 'enforce' | 'off'
  /** Absolute or starting with `~/`. */
  readonly readPaths: readonly string[]
}

export interface DeclaredEndpoint {
  readonly name: EndpointName
  readonly protocol: string
  /** Canonical host entries. */
  readonly hosts: readonly string[]
  readonly settings: unknown
  readonly description: string | null
  /** How long its records are kept, ms; null: for ever; undefined: as `actionsKeepMs` says. */
  readonly retentionMs: number | null | undefined
  readonly unmatched: 'allow' | 'deny'
  readonly via: TunnelName | null
}

export interface DeclaredCredential {
  readonly name: CredentialName
  readonly type: string
  readonly endpoints: readonly EndpointName[]
  readonly description: string | null
  /** Secret slots it needs; empty: none. */
  readonly slots: readonly string[]
}
