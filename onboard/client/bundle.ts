import { readFileSync } from 'node:fs'
import type { Identity } from './identity.ts'
import { writeWhole } from './save-identity.ts'

/** Where distributions keep the roots of the machine in one file. */
export const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const

/**
 * Brings the bundle of the machine's roots and the gateway's CA up to date.
 * @returns the file tools should trust: the bundle, or the CA alone when there are no roots or it cannot be written
 */
export function updateBundle(identity: Identity, candidates: readonly string[] = systemBundles): string {
  const roots = machineRoots(candidates)
  if (roots === null) return identity.caFile
  const wanted = withCa(roots, identity.ca)
  if (read(identity.bundleFile) === wanted) return identity.bundleFile
  try {
    writeWhole(identity.bundleFile, wanted, 0o644)
    return identity.bundleFile
  } catch {
    return identity.caFile
  }
}

function machineRoots(candidates: readonly string[]): string | null {
  for (const path of candidates) {
    const text = read(path)
    if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text
  }
  return null
}

function withCa(roots: string, ca: string): string {
  // join may have put the CA among the machine's roots already
  const body = ca.trim()
  if (roots.includes(body)) return roots
  return `${roots.endsWith('\n') ? roots : `${roots}\n`}${body}\n`
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
