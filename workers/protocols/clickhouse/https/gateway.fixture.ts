import { http } from '../../../contract/families/http.ts'
import { sql } from '../../../contract/families/sql.ts'
import type { Secret } from '../../../contract/messages.ts'
import type { CredentialUse, Limits, Rule } from '../../../contract/profile.ts'
import type { Pki } from '../../../upstream/pki.fixture.ts'
import { dialLocal, type Serving, startServing } from '../../../upstream/serving.fixture.ts'
import type { ClickhouseHttpsSettings } from '../definition.ts'
import { clickhouseHttps } from './runtime.ts'

/** What a gateway of the tests serves. */
export interface GatewayParts {
  readonly pki: Pki
  readonly host: string
  /** Port of the server on 127.0.0.1. */
  readonly upstreamPort: number
  readonly rules?: readonly Rule[]
  readonly unmatched?: 'allow' | 'deny'
  readonly credentials?: readonly CredentialUse[]
  readonly secrets?: { readonly [credential: string]: Secret | null }
  readonly limits?: Partial<Limits>
  readonly settings?: Partial<ClickhouseHttpsSettings>
  /** Agents come by the address of the server: no name is known. */
  readonly isByAddress?: boolean
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to `host` port 443. */
export function startGateway({ pki, host, upstreamPort, ...parts }: GatewayParts): Promise<Serving> {
  const { tls, ...more } = parts.settings ?? {}
  const roots = { tls, ca_cert: tls === false ? undefined : pki.ca }
  const settings = { hosts: [host], upstream: `127.0.0.1:${upstreamPort}`, ...roots, ...more }
  return startServing<ClickhouseHttpsSettings>({
    ...parts,
    serve: (session) => clickhouseHttps.serve(session),
    families: [sql, http],
    protocol: 'clickhouse_https',
    hosts: settings.hosts,
    settings,
    targetName: tls === false && parts.isByAddress !== true ? host : null,
    target: { host: '192.0.2.1', port: 443 },
    certificate: async () => pki.server,
    dial: ({ port }) => dialLocal(port),
  })
}
