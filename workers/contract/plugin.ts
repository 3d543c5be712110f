import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Action, ActionEvent, Fact, Facts, Unknown } from './action.ts'
import type { DescribedAction } from './described.ts'
import type { Flow } from './flow.ts'
import type { Address, CredentialName, EpochMs } from './ids.ts'
import type { Certificate, Secret } from './messages.ts'
import type { OAuth } from './oauth.ts'
import type { CredentialUse, Endpoint, Limits } from './profile.ts'
import type { Deny, FailsafeCause, Granted, ResultLimits } from './verdict.ts'

/** What a credential can fill in. A closed map: a protocol names the target it accepts. */
export interface Injections {
  http: (request: HttpInjection, secret: Secret) => void
  tls: (secret: Secret) => { readonly cert: string; readonly key: string; readonly ca?: string }
  /** User name and password of a database session. */
  login: (secret: Secret) => { readonly user: string; readonly password: string }
  /** What authenticates an SSH session upstream. */
  ssh: (secret: Secret) => { readonly privateKey?: string; readonly passphrase?: string; readonly password?: string }
}
export type Target = keyof Injections

/** The request head a credential may change: header names are lower case; a name may occur more than once. */
export interface HttpInjection {
  readonly method: string
  /** Path with query as sent upstream. */
  readonly path: string
  readonly host: string
  get(name: string): string | undefined
  /** Replaces every occurrence. */
  set(name: string, value: string): void
  delete(name: string): void
}

/** A problem a definition's own check finds; `path` leads to the attribute. */
export interface SettingsProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** An error when it is not set. */
  readonly severity?: 'warning'
}

/** One fact rules of a protocol family may read, and how records show it. */
export interface FactSpec {
  /** Member of the family's variable, e.g. `method` of `http`. */
  readonly name: string
  readonly type:
    | 'string'
    | 'int'
    | 'bool'
    | 'list<string>'
    | 'map<string, list<string>>'
    | 'map<string, string>'
    | 'dyn'
  readonly doc: string
  /** Value is lower-cased; string literals compared with it are folded too. */
  readonly folded?: boolean
  /** Where it is unknown only rules that read it deny for that; it is not part of its family's `backstop`. */
  readonly mayBeUnknown?: true
}

/** A family of rules: the CEL variable and its members. */
export interface Family {
  readonly name: string
  readonly facts: readonly FactSpec[]
  /** An action whose facts of this family are not all known needs a rule that explicitly allows it. */
  readonly backstop?: true
}

export interface ProtocolDefinition<S extends z.ZodType = z.ZodType> {
  readonly kind: 'protocol'
  readonly type: string
  readonly summary: string
  readonly settings: S
  readonly check?: (settings: z.output<S>) => readonly SettingsProblem[]
  /** Families whose variables its rules may read, its own first. */
  readonly families: readonly Family[]
  readonly accepts: readonly Target[]
  readonly hosts: (settings: z.output<S>) => readonly string[]
  /** Port an entry without one stands for. */
  readonly defaultPort: number
  /** How its connections begin: with a TLS ClientHello that may name the host, or in a way of their own. */
  readonly opening: 'client-hello' | 'own'
  /** The same, where it is not so for all its endpoints. */
  readonly openingOf?: (settings: z.output<S>) => 'client-hello' | 'own'
  /** Whether `runtimes.ts` has code that serves it; a gateway refuses a policy that needs one without. */
  readonly isServed: boolean
  /** What of a result its rules may limit; absent: nothing. */
  readonly limits?: readonly (keyof ResultLimits)[]
}

export interface CredentialDefinition<S extends z.ZodType = z.ZodType> {
  readonly kind: 'credential'
  readonly type: string
  readonly summary: string
  readonly settings: S
  readonly check?: (settings: z.output<S>) => readonly SettingsProblem[]
  /** Secret slots; the unnamed one is `''`. Empty: needs no secret. */
  readonly slots: readonly { readonly name: string; readonly label: string; readonly multiline?: boolean }[]
  readonly fills: readonly Target[]
  /** Fields that may pick it among several on one endpoint. */
  readonly disambiguators: readonly string[]
  /** Of these, the ones written in the block itself as attributes of its type, e.g. `user` of postgres_credential. */
  readonly ownDisambiguators?: readonly string[]
  /** Whether `runtimes.ts` has code that injects it; a gateway refuses a policy that needs one without. */
  readonly isServed: boolean
  /** Placeholders pushed into the agent's environment. No secret. */
  readonly variables?: readonly { readonly name: string; readonly value: string; readonly description: string }[]
  /** How it is connected by signing in; its tokens are then kept for it, and `slots` say what may be pasted instead. */
  readonly oauth?: OAuth
}

/** A kind of approver: who is asked. Its code runs in the main thread. */
export interface ApproverDefinition<S extends z.ZodType = z.ZodType> {
  readonly kind: 'approver'
  readonly type: string
  readonly summary: string
  readonly settings: S
  readonly check?: (settings: z.output<S>) => readonly SettingsProblem[]
  /** Whether there is code that asks it; without, what needs it is denied. */
  readonly isServed: boolean
}

/** A kind of tunnel: a way to an upstream. Its code runs in the main thread. */
export interface TunnelDefinition<S extends z.ZodType = z.ZodType> {
  readonly kind: 'tunnel'
  readonly type: string
  readonly summary: string
  /** With the attributes every tunnel has: share, keepalive, via and credential. */
  readonly settings: S
  readonly check?: (settings: z.output<S>) => readonly SettingsProblem[]
  readonly defaultShare: 'singleton' | 'per_endpoint' | 'per_conn'
  /** Whether there is code that opens it; a gateway refuses a policy that needs one without. */
  readonly isServed: boolean
}

export type CredentialRuntime<S extends z.ZodType = z.ZodType> = {
  readonly [T in Target]?: (settings: z.output<S>) => Injections[T]
}

/** What a protocol runtime says of an action it saw. */
export interface Seen {
  readonly title: string
  readonly facts: Facts
  readonly unknowns: readonly Unknown[]
  /**
   * Paths of facts nobody can know yet that will be known, and judged, when the action goes on to run: of a statement
   * that is only prepared, `sql.params`. A rule whose outcome hangs on one lets it be prepared, and nothing more.
   */
  readonly pending?: readonly string[]
  /** Small plain facts for the record. */
  readonly record: { readonly [name: string]: Fact }
  readonly credential: CredentialName | null
  /** Why it cannot be sent whatever the rules say, e.g. a missing secret: what they allow is denied and recorded so. */
  readonly obstacle?: { readonly cause: FailsafeCause; readonly reason: string } | null
  /** How the action is kept so that it can be judged again; see `RecordedAction.described`. Asked once, when recorded. */
  readonly described?: () => DescribedAction
  /** Whether this very object will be judged again: what was found out about it is kept with it. */
  readonly isKept?: boolean
}

export interface Judged {
  readonly action: Action
  readonly ruling: Deny | Granted
}

/** How an action ended, as a protocol runtime reports it. */
export type Closing = Omit<Extract<ActionEvent, { kind: 'closed' }>, 'kind' | 'action' | 'at'>

/** What a protocol runtime gets: one flow, one endpoint, and the only ways out of the worker. */
export interface Session<Settings = unknown> {
  readonly flow: Flow
  /** The raw connection to the agent. Owned by the session; the runtime may end or destroy it. */
  readonly client: Duplex
  readonly limits: Limits
  /** Aborts when the flow is cancelled. */
  readonly signal: AbortSignal
  /** The flow's endpoint in the newest revision; null once it is gone: deny and close. */
  endpoint(): (Endpoint & { readonly settings: Settings }) | null
  /**
   * Records the action and its verdict; denies when there is no room in the record. A promise when it has to wait: for
   * room, or for counters. What is allowed may be sent at once: its record would outlive the thread.
   */
  judge(seen: Seen): Judged | Promise<Judged>
  /** Records WebSocket frames and the like. */
  frame(action: Action, direction: 'up' | 'down', bytes: Uint8Array, total: number): void
  /** Records the end of an action; call once for every judged action, denied ones included. */
  close(action: Action, closing: Closing): void
  /** An action that could not be decoded far enough to be judged: recorded as denied, never forwarded. */
  refuse(title: string, reason: string, record: { readonly [name: string]: Fact }): void
  certificate(serverName: string): Promise<Certificate>
  secret(credential: CredentialUse): Promise<Secret | null>
  /** A connected socket to the endpoint's upstream. */
  dial(to: Address): Promise<Duplex>
  now(): EpochMs
}

export interface ProtocolRuntime<Settings = unknown> {
  /** Serves the flow to its end. Resolves when both sides are closed; a throw ends the flow as a fault. */
  serve(session: Session<Settings>): Promise<void>
}
