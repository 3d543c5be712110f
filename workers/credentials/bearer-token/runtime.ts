import { randomUUID } from 'node:crypto'
import type { CredentialRuntime, HttpInjection } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { BearerTokenSettings, bearerToken as definition } from './definition.ts'

/** Sends `Authorization: Bearer SECRET`, with an Idempotency-Key of its own per writing request where asked to. */
export const bearerToken: CredentialRuntime<(typeof definition)['settings']> = {
  http: (settings: BearerTokenSettings) => (request, secret) => {
    request.set('authorization', `Bearer ${slotOf(secret, '')}`)
    if (settings.idempotency_key === true && isWriting(request) && request.get('idempotency-key') === undefined)
      request.set('idempotency-key', randomUUID())
  },
}

function isWriting({ method }: HttpInjection): boolean {
  return !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)
}
