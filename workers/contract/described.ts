/**
 * An action as people and files describe it: the `action` of a fixture, what a record keeps, what `clawpatrol explain`
 * is told. JSON. Exactly one of `http`, `k8s`, `sql` and `ssh`, or `http` beside `k8s` or
 * `sql`.
 */
export interface DescribedAction {
  /** Requested host, with port where it is not the usual one. */
  readonly host?: string
  /** Name of the credential it is sent with. */
  readonly credential?: string
  readonly peer_ip?: string
  readonly profile?: string
  /** The device's name. */
  readonly device?: string
  /** When it happened, ISO 8601; what `now` is. */
  readonly at?: string
  /** The bytes went on beyond what rules could see. */
  readonly truncated?: boolean
  /** What rules could see could not be understood. */
  readonly unparseable?: boolean
  /** What `rate(NAME, …)` finds, by name; 0 where it is not given. */
  readonly rates?: { readonly [name: string]: number }
  readonly http?: DescribedHttp
  readonly k8s?: DescribedKubernetes
  readonly sql?: DescribedSql
  readonly ssh?: DescribedSsh
}

/** An HTTP request. A value that is `masked` is not known any more. */
export interface DescribedHttp {
  readonly method?: string
  /** Decoded, without query. */
  readonly path?: string
  readonly query?: { readonly [name: string]: readonly string[] }
  /** By canonical name, `Content-Type`. */
  readonly headers?: { readonly [name: string]: readonly string[] }
  /** As text; or `body_b64`. */
  readonly body?: string
  readonly body_b64?: string
}

/** A Kubernetes API call. */
export interface DescribedKubernetes {
  readonly verb?: string
  readonly resource?: string
  readonly namespace?: string
  readonly name?: string
  readonly params?: { readonly [name: string]: string }
}

/** SQL text; what else is given must agree with what the text says, or fills in where it says nothing. */
export interface DescribedSql {
  readonly statement: string
  readonly verb?: string
  readonly tables?: readonly string[]
  readonly functions?: readonly string[]
  readonly database?: string
  /** Values of its parameters by name, without those that are NULL; `{}`: it has none. Absent, they are not known. */
  readonly params?: { readonly [name: string]: string }
  /** ClickHouse settings given beside the text. */
  readonly settings?: { readonly [name: string]: string }
  /** It is only prepared: its parameters are given when it runs, and rules that read them judge it then. */
  readonly prepare?: boolean
  /** PostgreSQL: schemas the session had put into its search path before; null: nobody knows which. */
  readonly search_path?: readonly string[] | null
}

/** One thing asked of an SSH server. */
export interface DescribedSsh {
  readonly verb: string
  readonly command?: string
  readonly subsystem?: string
  readonly forward_host?: string
  readonly forward_port?: number
  readonly user?: string
  readonly stdin?: string
}

/** What stands for a sensitive value in a record. */
export const masked = '***'

/** Whether the value of a header or query parameter of this name is kept out of records. */
export function isSensitive(name: string): boolean {
  return sensitive.test(name)
}

const sensitive =
  /^(set-)?cookie2?$|^(pass|pwd|sig|otp)$|token|secret|key|auth|session|passw|passphrase|credential|signature|assertion|jwt/i

/** Whether a header's value shows what it is whatever its name: a scheme with a credential, or a URL with a password. */
export function looksSecret(value: string): boolean {
  return credentials.test(value)
}

const credentials = /^\s*(Bearer|Basic|Digest|Negotiate|AWS4-HMAC-SHA256)\s|:\/\/[^/\s:@]*:[^/\s@]+@/i

/** Longest `DescribedAction` that is recorded, bytes of JSON text. */
export const maxDescribed = 32 * 1024
