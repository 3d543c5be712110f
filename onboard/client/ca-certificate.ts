import { X509Certificate } from 'node:crypto'
import { ClawError } from '../../workers/contract/errors.ts'

/** A certificate authority as a join accepts it. */
export interface CaCertificate {
  /** One certificate, re-encoded: nothing else that was sent survives. */
  readonly pem: string
  /** SHA-256 of the DER, upper-case hex pairs joined by colons. */
  readonly fingerprint: string
}

/**
 * Reads the one CA certificate a gateway sent.
 * @throws ClawError CP_ONBOARD for anything besides exactly one PEM certificate of an authority
 */
export function readCaCertificate(text: string, now: number = Date.now()): CaCertificate {
  const match = /^\s*-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*$/.exec(text)
  if (match?.[1] === undefined) throw refused('it is not exactly one PEM certificate')
  const der = Buffer.from(match[1], 'base64')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(der)
  } catch (error) {
    throw refused('it cannot be read', error)
  }
  // X509Certificate reads the first certificate of what it gets: bytes behind it must not hide
  if (!certificate.raw.equals(der)) throw refused('it is followed by other bytes')
  if (!certificate.ca) throw refused('it is not the certificate of an authority')
  if (!certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey))
    throw refused('it is not signed by itself')
  if (Date.parse(certificate.validTo) < now) throw refused(`it expired ${certificate.validTo}`)
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  return { pem, fingerprint: certificate.fingerprint256 }
}

function refused(why: string, cause?: unknown): ClawError {
  return new ClawError('CP_ONBOARD', `The gateway sent no usable CA certificate: ${why}`, {
    cause,
    hint: 'is this the address of a clawpatrol gateway?',
  })
}
