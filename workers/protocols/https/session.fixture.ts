import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http } from '../../contract/families/http.ts'
import type { Certificate, Secret } from '../../contract/messages.ts'
import type { CredentialUse, Limits, Rule } from '../../contract/profile.ts'
import { dialLocal, type Serving, startServing } from '../../upstream/serving.fixture.ts'
import type { HttpsSettings } from './definition.ts'
import { https } from './runtime.ts'

export { aCredential, aRule, listen, type Recorded } from '../../upstream/serving.fixture.ts'

/** Certificates of the tests: one authority for both legs. */
export interface Pki extends Disposable {
  readonly ca: string
  readonly caFile: string
  readonly server: Certificate
  readonly client: Certificate
  readonly stranger: Certificate
}

/** Makes an authority, a certificate of it for the names, a client's, and one nobody trusts. */
export function makePki(names: readonly string[]): Pki {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-pki-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA')
  writeFileSync(join(dir, 'ext'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')},IP:127.0.0.1\n`)
  const read = (name: string) => readFileSync(join(dir, name), 'utf8')
  const issue = (name: string): Certificate => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3', '-extfile', 'ext']
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`)
    return { key: read(`${name}.key`), chain: read(`${name}.pem`), renewAt: Number.POSITIVE_INFINITY }
  }
  const server = issue('server')
  const client = issue('client')
  openssl('req', '-x509', ...key, '-keyout', 'x.key', '-out', 'x.pem', '-subj', '/CN=nobody')
  const stranger = { key: read('x.key'), chain: read('x.pem'), renewAt: Number.POSITIVE_INFINITY }
  return {
    ca: read('ca.pem'),
    caFile: join(dir, 'ca.pem'),
    server,
    client,
    stranger,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  }
}

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
