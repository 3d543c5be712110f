import { createHash } from 'node:crypto'

/**
 * What answers a request for an MD5 password.
 * @param salt four bytes the server chose for this session
 * @see postgresql.org/docs/current/protocol-flow.html, AuthenticationMD5Password
 */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const stored = md5(Buffer.from(password + user))
  return `md5${md5(Buffer.concat([Buffer.from(stored), salt]))}`
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex')
}
