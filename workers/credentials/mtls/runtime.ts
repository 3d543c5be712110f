import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { mtls as definition } from './definition.ts'

/** Shows a client certificate in the TLS handshake with the upstream; its own roots replace the public ones. */
export const mtls: CredentialRuntime<(typeof definition)['settings']> = {
  tls: () => (secret) => {
    const ca = secret.ca ?? ''
    return {
      cert: slotOf(secret, 'cert'),
      key: slotOf(secret, 'key'),
      ...(ca.trim() === '' ? {} : { ca }),
    }
  },
}
