import { z } from 'zod'
import { sql } from '../../contract/families/sql.ts'
import { field, flag, text } from '../../contract/fields.ts'
import type { ProtocolDefinition, SettingsProblem } from '../../contract/plugin.ts'
import { caCert, isHostAndPort } from '../../contract/upstream-fields.ts'

const settings = z.strictObject({
  host: field(
    text().refine(isHostAndPort, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is not host:port, port 1-65535: write the port too, usually 5432`,
    }),
    { doc: 'host:port of the server.', example: '"orders-db.example.com:5432"' },
  ),
  sslmode: field(z.enum(['disable', 'prefer', 'require', 'verify-full']).optional(), {
    doc: 'TLS to the server: disable, prefer, require (no check of the certificate) or verify-full.',
    fallback: '"prefer"',
    example: '"verify-full"',
  }),
  ca_cert: field(caCert(), {
    doc: 'PEM roots that the certificate of the server must chain to; only with sslmode verify-full.',
    example: '"<<file:db-ca.pem>>"',
    files: true,
  }),
  replication: field(z.boolean().optional(), {
    doc: 'Whether agents may open replication connections. Rules see the commands, never the data that is streamed.',
    fallback: 'false',
    example: 'true',
  }),
  record_params: field(flag().optional(), {
    doc: 'Whether the record shows values of bind parameters; never where a column is called like a secret.',
    fallback: 'false',
  }),
})

/** Settings of a postgres endpoint as a worker gets them. */
export type PostgresSettings = z.output<typeof settings>

/** `endpoint "postgres"`: a PostgreSQL server; rules see every statement. */
export const postgres: ProtocolDefinition<typeof settings> = {
  kind: 'protocol',
  type: 'postgres',
  summary: 'a PostgreSQL server',
  settings,
  check,
  families: [sql],
  accepts: ['login', 'tls'],
  hosts: ({ host }) => [host],
  defaultPort: 5432,
  opening: 'own',
  isServed: true,
  limits: ['rows', 'bytes'],
}

function check({ sslmode, ca_cert }: PostgresSettings): readonly SettingsProblem[] {
  if (ca_cert === undefined || sslmode === 'verify-full') return []
  const message = 'ca_cert needs sslmode = "verify-full": otherwise no certificate is checked'
  return [{ path: ['ca_cert'], message }]
}
