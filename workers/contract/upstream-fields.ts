import type { z } from 'zod'
import { field, text, texts } from './fields.ts'

/**
 * `hosts` of an endpoint: the names it claims.
 * @param example as it is written
 */
export function hosts(example: string): z.ZodType<string[]> {
  return field(texts(), {
    doc: 'Names the endpoint claims: name, name:port, IP, [IPv6]:port, *.suffix or *.suffix:port.',
    example,
  })
}

/** `upstream` of an endpoint behind TLS: where it is dialed instead. */
export function upstream(): z.ZodType<string | undefined> {
  return field(
    text()
      .refine(isHostAndPort, { error: (issue) => `${JSON.stringify(issue.input)} is not host:port, port 1-65535` })
      .optional(),
    {
      doc: 'host:port to dial instead of the requested host; the TLS name stays the requested one.',
      example: '"127.0.0.1:9443"',
    },
  )
}

/** `ca_cert` of an endpoint behind TLS: PEM roots. */
export function caCert(): z.ZodType<string | undefined> {
  return field(
    text()
      .refine(isCertificate, { error: 'no certificate in it: expected PEM starting -----BEGIN CERTIFICATE-----' })
      .optional(),
    {
      doc: 'PEM roots that the upstream certificate must chain to instead of the public ones.',
      example: '"<<file:internal-ca.pem>>"',
      files: true,
    },
  )
}

/** Whether a text is `host:port` or `[IPv6]:port`, port 1 to 65535. */
export function isHostAndPort(value: string): boolean {
  const found = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(value)
  const port = Number(found?.[1])
  return found !== null && port >= 1 && port <= 65535
}

function isCertificate(value: string): boolean {
  return value.includes('-----BEGIN CERTIFICATE-----')
}
