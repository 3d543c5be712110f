import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate authority of the test and one server certificate for the given names, all made by openssl. */
export interface Authority {
  readonly caFile: string
  readonly ca: string
  readonly certFile: string
  readonly cert: string
  readonly keyFile: string
  readonly key: string
}

/** Makes an authority in a folder; names may be DNS names or IPv4 addresses. */
export function makeAuthority(dir: string, names: readonly string[]): Authority {
  const path = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...keyArgs,
    '-keyout',
    'test-ca.key',
    '-out',
    'test-ca.pem',
    '-days',
    '3',
    '-subj',
    '/CN=test CA',
  )
  openssl('req', ...keyArgs, '-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${names[0] ?? 'server'}`)
  const alternative = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  writeFileSync(path('server.ext'), `subjectAltName=${alternative}\nextendedKeyUsage=serverAuth\n`)
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'test-ca.pem',
    '-CAkey',
    'test-ca.key',
    '-CAcreateserial',
    '-out',
    'server.pem',
    '-days',
    '3',
    '-extfile',
    'server.ext',
  )
  const read = (name: string) => readFileSync(path(name), 'utf8')
  return {
    caFile: path('test-ca.pem'),
    ca: read('test-ca.pem'),
    certFile: path('server.pem'),
    cert: read('server.pem'),
    keyFile: path('server.key'),
    key: read('server.key'),
  }
}
