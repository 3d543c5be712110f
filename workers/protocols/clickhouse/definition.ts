import { z } from 'zod'
import { http } from '../../contract/families/http.ts'
import { sql } from '../../contract/families/sql.ts'
import { field, flag, text, whole } from '../../contract/fields.ts'
import type { ProtocolDefinition, SettingsProblem } from '../../contract/plugin.ts'
import { caCert, hosts, upstream } from '../../contract/upstream-fields.ts'

const nativeSettings = z.strictObject({
  hosts: hosts('["metrics.example.com"]'),
  port: field(
    whole()
      .refine((port) => port >= 1 && port <= 65535, { error: 'must be a port, 1 to 65535' })
      .optional(),
    { doc: 'Port of hosts that name none.', fallback: '9000, or 9440 with tls', example: '9000' },
  ),
  tls: field(flag().optional(), { doc: 'Whether the server is reached through TLS.', fallback: 'false' }),
  accept_invalid_certificate: field(flag().optional(), {
    doc: 'Takes any certificate of the server; only with tls.',
    fallback: 'false',
  }),
  ca_cert: caCert(),
  record_params: field(flag().optional(), {
    doc: 'Whether values of query parameters are recorded.',
    fallback: 'false',
  }),
})

/** Settings of a clickhouse_native endpoint as a worker gets them. */
export type ClickhouseNativeSettings = z.output<typeof nativeSettings>

/** `endpoint "clickhouse_native"`: a ClickHouse server, over its own protocol. */
export const clickhouseNative: ProtocolDefinition<typeof nativeSettings> = {
  kind: 'protocol',
  type: 'clickhouse_native',
  summary: 'a ClickHouse server, over its native protocol',
  settings: nativeSettings,
  check: checkNative,
  families: [sql],
  accepts: ['login', 'tls'],
  hosts: (settings) => settings.hosts.map((host) => withPort(host, nativePort(settings))),
  defaultPort: 9000,
  opening: 'own',
  isServed: true,
  limits: ['rows', 'bytes'],
}

/** The database of requests over HTTPS that name none, where the endpoint does not say. */
export const usualDatabase = 'default'

const httpsSettings = z.strictObject({
  hosts: hosts('["metrics.example.com:8443"]'),
  database: field(text().optional(), {
    doc: 'Database of requests that name none; the server is told.',
    fallback: '"default"',
    example: '"metrics"',
  }),
  tls: field(flag().optional(), {
    doc: 'false: plain HTTP, to the server and from the agent; hosts that name no port are then on 8123.',
    fallback: 'true',
  }),
  upstream: upstream(),
  ca_cert: caCert(),
  record_params: field(flag().optional(), {
    doc: 'Whether values of query parameters are recorded.',
    fallback: 'false',
  }),
})

/** Settings of a clickhouse_https endpoint as a worker gets them. */
export type ClickhouseHttpsSettings = z.output<typeof httpsSettings>

/** `endpoint "clickhouse_https"`: a ClickHouse server, over HTTPS; rules see the statement and the request. */
export const clickhouseHttps: ProtocolDefinition<typeof httpsSettings> = {
  kind: 'protocol',
  type: 'clickhouse_https',
  summary: 'a ClickHouse server, over HTTPS or HTTP',
  settings: httpsSettings,
  families: [sql, http],
  accepts: ['http', 'login', 'tls'],
  check: checkHttps,
  hosts: ({ hosts, tls }) => (tls === false ? hosts.map((host) => withPort(host, plainPort)) : hosts),
  defaultPort: 443,
  opening: 'client-hello',
  openingOf: ({ tls }) => (tls === false ? 'own' : 'client-hello'),
  isServed: true,
  limits: ['bytes'],
}

/** Port of hosts that name none, without TLS. */
const plainPort = 8123

function checkHttps({ tls, ca_cert }: ClickhouseHttpsSettings): readonly SettingsProblem[] {
  if (tls !== false || ca_cert === undefined) return []
  return [{ path: ['ca_cert'], message: 'ca_cert needs TLS: with tls = false no certificate is checked' }]
}

/** Port of the hosts that name none. */
export function nativePort({ port, tls }: Pick<ClickhouseNativeSettings, 'port' | 'tls'>): number {
  return port ?? (tls === true ? 9440 : 9000)
}

function checkNative({ tls, accept_invalid_certificate }: ClickhouseNativeSettings): readonly SettingsProblem[] {
  if (accept_invalid_certificate !== true || tls === true) return []
  const message = 'accept_invalid_certificate needs tls = true: without TLS there is no certificate'
  return [{ path: ['accept_invalid_certificate'], message }]
}

/** A host entry with a port; one that has a port, or is no host, stays as it is. */
function withPort(host: string, port: number): string {
  if (/^\[[^\]]*\]$/.test(host)) return `${host}:${port}`
  if (/^[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*$/.test(host)) return `[${host}]:${port}`
  return host === '' || host.includes(':') ? host : `${host}:${port}`
}
