import { ClawError } from '../../contract/errors.ts'
import type { OfflineDecoder } from '../../contract/offline.ts'
import { chooseCredential } from '../../upstream/choose-credential.ts'
import { splitAuthority } from '../../wire/http/agent-host.ts'
import { describedBody, describedHead } from '../../wire/http/described-request.ts'
import { HttpFacts, unknownsOf } from '../../wire/http/request-facts.ts'

/** Tells rules of a described request what they would be told of a live one. */
export const decodeOffline: OfflineDecoder = (described, endpoint, limits) => {
  const { host = '', http } = described
  if (http === undefined || described.k8s !== undefined)
    throw new ClawError('CP_CONFIG', `Cannot judge the action: an endpoint of type ${endpoint.protocol} takes http`)
  const head = describedHead(http)
  const body = describedBody(described, head, endpoint, limits)
  const unknowns = [...unknownsOf(head, body)]
  if (host === '') unknowns.push({ path: 'http.host', because: 'unparsed' })
  return [
    {
      title: `${head.method} https://${host}${http.path ?? ''}`,
      facts: { http: new HttpFacts(head, splitAuthority(host.toLowerCase()).host, body) },
      unknowns,
      credential: chooseCredential(endpoint.credentials, head)?.name ?? null,
    },
  ]
}
