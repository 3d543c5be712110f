import { z } from 'zod'
import { http } from '../../contract/families/http.ts'
import type { ProtocolDefinition } from '../../contract/plugin.ts'
import { caCert, hosts, upstream } from '../../contract/upstream-fields.ts'

const settings = z.strictObject({
  hosts: hosts('["api.example.com", "*.example.com"]'),
  upstream: upstream(),
  ca_cert: caCert(),
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
  opening: 'client-hello',
  isServed: true,
}
