import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of an mtls_credential: none. */
export type MtlsSettings = z.output<typeof settings>

/** `credential "mtls_credential"`: a client certificate on the TLS handshake with the upstream. */
export const mtls: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'mtls_credential',
  summary: 'a TLS client certificate',
  settings,
  slots: [
    { name: 'cert', label: 'client certificate, PEM', multiline: true },
    { name: 'key', label: 'private key, PEM', multiline: true },
    { name: 'ca', label: 'roots for the upstream, PEM (optional)', multiline: true },
  ],
  fills: ['tls'],
  disambiguators: [],
  isServed: true,
}
