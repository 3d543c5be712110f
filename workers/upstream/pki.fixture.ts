import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from '../contract/messages.ts'

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
