import { X509Certificate } from 'node:crypto'
import type { Root } from './root.ts'

/** The authority's certificate in the forms clients take. */
export interface ClientBundle {
  /** For OpenSSL, curl, Node, Python, Go and most others. */
  readonly pem: string
  /** For Java's keytool, Windows and phones. */
  readonly der: Buffer
  /** What a person compares before trusting it. */
  readonly fingerprint: string
}

/** What a client needs to trust this gateway; holds nothing secret. */
export function bundleOf({ certificatePem, fingerprint }: Root): ClientBundle {
  return { pem: certificatePem, der: new X509Certificate(certificatePem).raw, fingerprint }
}
