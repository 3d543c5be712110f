import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'
import { lockNsswitch } from './nsswitch.ts'

/** A file whose contents the command sees replaced, read-only. */
export interface ReplacedFile {
  readonly path: string
  readonly contents: string
}

/** Everything that keeps name look-ups inside of the tunnel. */
export interface DnsLockdown {
  readonly files: readonly ReplacedFile[]
  readonly mask: readonly string[]
}

/** Reads a file as text; null when there is none. */
export type ReadText = (path: string) => Promise<string | null>

/**
 * Names every way the C library has to look up a host, and closes those that ask a daemon outside.
 * @param servers IP literals
 * @throws ClawError CP_CAPTURE when a server is no IP literal or a file cannot be read
 */
export async function lockDns(
  servers: readonly string[],
  hostname: string,
  read: ReadText = readText,
): Promise<DnsLockdown> {
  const wrong = servers.find((server) => isIP(server) === 0)
  if (wrong !== undefined || servers.length === 0) {
    throw new ClawError('CP_CAPTURE', `Cannot lock DNS down: name server "${wrong ?? ''}" is no IP address`)
  }
  const files: ReplacedFile[] = [
    { path: '/etc/resolv.conf', contents: servers.map((server) => `nameserver ${server}\n`).join('') },
  ]
  const nsswitch = await read('/etc/nsswitch.conf')
  if (nsswitch !== null) files.push({ path: '/etc/nsswitch.conf', contents: lockNsswitch(nsswitch) })
  if ((await read('/etc/hosts')) !== null) files.push({ path: '/etc/hosts', contents: hostsFor(hostname) })
  return { files, mask: DAEMONS }
}

// a single socket only for resolved: Ubuntu keeps the target of resolv.conf in the same directory
const DAEMONS: readonly string[] = [
  '/run/systemd/resolve/io.systemd.Resolve',
  '/run/systemd/resolve/io.systemd.Resolve.Monitor',
  '/run/nscd',
  '/var/run/nscd',
  '/run/avahi-daemon/socket',
]

function hostsFor(hostname: string): string {
  const own = /^[A-Za-z0-9._-]+$/.test(hostname) ? `127.0.1.1 ${hostname}\n` : ''
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${own}`
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new ClawError('CP_CAPTURE', `Cannot lock DNS down: reading "${path}" failed with ${code}`, { cause: error })
  }
}
