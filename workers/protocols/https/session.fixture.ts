import { execFile } from 'node:child_process'
import { http } from '../../contract/families/http.ts'
import type { Secret } from '../../contract/messages.ts'
import type { CredentialUse, Limits, Rule } from '../../contract/profile.ts'
import type { Pki } from '../../upstream/pki.fixture.ts'
import { dialLocal, type Serving, startServing } from '../../upstream/serving.fixture.ts'
import type { HttpsSettings } from './definition.ts'
import { https } from './runtime.ts'

export { makePki, type Pki } from '../../upstream/pki.fixture.ts'
export { aCredential, aRule, listen, type Recorded } from '../../upstream/serving.fixture.ts'

/** What a gateway of the tests serves. */
export interface GatewayParts {
  readonly pki: Pki
  readonly host: string
  /** Port of the upstream on 127.0.0.1. */
  readonly upstreamPort: number
  readonly rules?: readonly Rule[]
  readonly credentials?: readonly CredentialUse[]
  readonly secrets?: { readonly [credential: string]: Secret | null }
  readonly limits?: Partial<Limits>
  readonly settings?: Partial<HttpsSettings>
  /** Keeps no actions: for benches. */
  readonly isForgetful?: boolean
}

/** The https runtime behind a listening socket. */
export interface Gateway extends Serving {
  /** Connections made to the upstream. */
  readonly dials: number
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to `host` port 443. */
export async function startGateway({ pki, host, upstreamPort, ...parts }: GatewayParts): Promise<Gateway> {
  const settings = { hosts: [host], upstream: `127.0.0.1:${upstreamPort}`, ca_cert: pki.ca, ...parts.settings }
  let dials = 0
  const serving = await startServing<HttpsSettings>({
    ...parts,
    serve: (session) => https.serve(session),
    families: [http],
    protocol: 'https',
    hosts: settings.hosts,
    settings,
    target: { host: '192.0.2.1', port: 443 },
    certificate: async () => pki.server,
    dial: ({ port }) => {
      dials += 1
      return dialLocal(port)
    },
  })
  return Object.defineProperty(serving, 'dials', { get: () => dials }) as Gateway
}

/** Runs curl against a gateway under the real host name; resolves with what it wrote. */
export function curl(gateway: Gateway, pki: Pki, ...args: string[]): Promise<string> {
  const to = ['--connect-to', `::127.0.0.1:${gateway.port}`, '--cacert', pki.caFile, '--max-time', '10']
  return new Promise((resolve, reject) => {
    execFile('curl', ['-sS', ...to, ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(stderr))
    })
  })
}
