import { join } from 'node:path'

/** The longest path a unix socket may have on Linux, bytes. */
const maxPathBytes = 107

/** The only host requests over the socket may name. */
export const adminHost = 'clawpatrol-admin'

/** Where the local socket of a gateway is. */
export function adminSocketPath(stateDir: string): string {
  return join(stateDir, 'admin.sock')
}

/** Whether the system can bind a socket to this path at all. */
export function isBindable(path: string): boolean {
  return Buffer.byteLength(path) <= maxPathBytes
}
