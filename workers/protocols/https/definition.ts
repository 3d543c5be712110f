import { z } from 'zod'
import { http } from '../../contract/families/http.ts'
import { field, text, texts } from '../../contract/fields.ts'
import type { ProtocolDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({
  hosts: field(texts(), {
    doc: 'Names the endpoint claims: name, name:port, IP, [IPv6]:port, *.suffix or *.suffix:port.',
    example: '["api.example.com", "*.example.com"]',
  }),
  upstream: field(
    text()
      .refine(isHostAndPort, { error: (issue) => `${JSON.stringify(issue.input)} is not host:port, port 1-65535` })
      .optional(),
    {
      doc: 'host:port to dial instead of the requested host; the TLS name stays the requested one.',
      example: '"127.0.0.1:9443"',
    },
  ),
  ca_cert: field(
    text()
      .refine(isCertificate, { error: 'no certificate in it: expected PEM starting -----BEGIN CERTIFICATE-----' })
      .optional(),
    {
      doc: 'PEM roots that the upstream certificate must chain to instead of the public ones.',
      example: '"<<file:internal-ca.pem>>"',
      files: true,
    },
  ),
})

/** Settings of an https endpoint as a worker gets them. */
export type HttpsSettings = z.output<typeof settings>

/** `endpoint "https"`: any HTTP API behind TLS; HTTP/1.1, HTTP/2, gRPC and WebSocket. */
export const https: ProtocolDefinition<typeof settings> = {
  kind: 'protocol',
  type: 'https',
  summary: 'an HTTP API behind TLS',
  settings,
  families: [http],
  accepts: ['http', 'tls'],
  hosts: ({ hosts }) => hosts,
  defaultPort: 443,
  isServed: true,
}

function isHostAndPort(value: string): boolean {
  const found = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(value)
  const port = Number(found?.[1])
  return found !== null && port >= 1 && port <= 65535
}

function isCertificate(value: string): boolean {
  return value.includes('-----BEGIN CERTIFICATE-----')
}
