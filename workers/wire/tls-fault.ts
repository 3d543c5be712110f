/** Why a TLS handshake failed, in words, and what to do about it. No secret, no name the peer chose. */
export interface TlsFault {
  readonly cause: TlsCause
  readonly words: string
  readonly advice: string
}

/** The closed set of causes. */
export type TlsCause =
  | 'untrusted_gateway'
  | 'gateway_name'
  | 'agent_closed'
  | 'not_tls'
  | 'no_common_version'
  | 'no_common_protocol'
  | 'untrusted_upstream'
  | 'expired'
  | 'wrong_name'
  | 'client_certificate'
  | 'closed'
  | 'timeout'
  | 'unknown'

type Side = 'agent' | 'upstream'

const trustOurs = 'let the agent trust the gateway CA: clawpatrol env prints the variables, clawpatrol run sets them'
const trustTheirs = 'if the upstream uses an authority of its own, give it as ca_cert of the endpoint'

const faults: { readonly [C in TlsCause]: Omit<TlsFault, 'cause'> } = {
  untrusted_gateway: { words: 'the agent does not trust the gateway CA', advice: trustOurs },
  gateway_name: { words: 'the agent refused the certificate made for the name', advice: trustOurs },
  agent_closed: {
    words: 'the agent closed the connection during the handshake',
    advice: `it may not trust the gateway CA: ${trustOurs}`,
  },
  not_tls: { words: 'the first bytes are not TLS', advice: 'use https:// for this host' },
  no_common_version: { words: 'no TLS version or cipher in common', advice: 'TLS 1.2 or newer is needed' },
  no_common_protocol: { words: 'no application protocol in common', advice: 'offer h2 or http/1.1 in ALPN' },
  untrusted_upstream: { words: 'the certificate of the upstream is not trusted', advice: trustTheirs },
  expired: {
    words: 'the certificate of the upstream is outside its validity',
    advice: 'check its dates and this clock',
  },
  wrong_name: { words: 'the certificate of the upstream is for another name', advice: 'check hosts of the endpoint' },
  client_certificate: {
    words: 'the upstream wants a client certificate or refused the one given',
    advice: 'bind an mtls_credential to the endpoint, or check its slots cert, key and ca',
  },
  closed: { words: 'the connection was closed during the handshake', advice: 'check that the port speaks TLS' },
  timeout: { words: 'the handshake did not end in time', advice: 'check that the peer can be reached' },
  unknown: { words: 'the TLS handshake failed', advice: 'run openssl s_client against the peer' },
}

const byCode: { readonly [side in Side]: readonly (readonly [RegExp, TlsCause])[] } = {
  agent: [
    [/UNKNOWN_CA|CERTIFICATE_UNKNOWN|BAD_CERTIFICATE|ACCESS_DENIED/, 'untrusted_gateway'],
    [/UNRECOGNIZED_NAME/, 'gateway_name'],
    [/HTTP_REQUEST|WRONG_VERSION_NUMBER|NOT_TLS/, 'not_tls'],
    [
      /UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|NO_SUITABLE|VERSION_TOO_LOW|PROTOCOL_VERSION|HANDSHAKE_FAILURE/,
      'no_common_version',
    ],
    [/NO_APPLICATION_PROTOCOL/, 'no_common_protocol'],
    [/CERTIFICATE_EXPIRED/, 'untrusted_gateway'],
  ],
  upstream: [
    [/ALTNAME_INVALID/, 'wrong_name'],
    [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_EXPIRED/, 'expired'],
    [
      /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA|KEY_VALUES_MISMATCH|PEM_/,
      'client_certificate',
    ],
    [/SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA|INVALID_PURPOSE|CERT_/, 'untrusted_upstream'],
    [/NO_APPLICATION_PROTOCOL/, 'no_common_protocol'],
    [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH/, 'closed'],
    [/UNSUPPORTED_PROTOCOL|VERSION|CIPHER|HANDSHAKE_FAILURE/, 'no_common_version'],
  ],
}

/** Names the fault behind an error of node:tls. */
export function tlsFault(side: Side, error: unknown): TlsFault {
  const code = codeOf(error)
  if (/ECONNRESET|EPIPE|CLOSED/.test(code)) return fault(side === 'agent' ? 'agent_closed' : 'closed')
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return fault('timeout')
  return fault(byCode[side].find(([pattern]) => pattern.test(code))?.[1] ?? 'unknown')
}

/** A fault by its cause. */
export function fault(cause: TlsCause): TlsFault {
  return { cause, ...faults[cause] }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // OpenSSL's reason names an alert where the code does not
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : ''
  return `${code} ${reason.toUpperCase().replaceAll(' ', '_')}`
}
