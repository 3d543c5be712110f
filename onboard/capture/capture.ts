import type { Fd } from '../../workers/contract/ids.ts'
import type { ExtensionRun } from './darwin/darwin.ts'
import type { Opening } from './masks.ts'

/** The addresses and name servers a captured command sees. */
export interface TunnelView {
  /** IPv4 literal; the command gets it as a /32. */
  readonly address4: string
  /** IPv6 literal, given as a /128; null leaves the command without IPv6. */
  readonly address6: string | null
  /** Bytes. */
  readonly mtu: number
  /** IP literals written to the command's resolv.conf. */
  readonly dns: readonly string[]
}

/** A directory shown empty except for the named files in it (plain names, absent ones are skipped). */
export interface HiddenDir {
  readonly dir: string
  readonly keep: readonly string[]
}

/** What serves the TUN: packets that the command sends are read from it. */
export interface TunnelSession {
  close(): Promise<void>
}

/** One command, however it is captured. */
export interface RunCommand {
  readonly command: string
  readonly args: readonly string[]
  /** Exactly what the command gets; nothing of our own environment is added. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly hide: readonly HiddenDir[]
  /** Waits for background children too, instead of ending them with the command. */
  readonly waitAll?: boolean
  /** stdin, stdout, stderr of the command; inherited when left out. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio]
  /** Told once for each thing this host could not give but that is not needed for the capture. */
  warn?(text: string): void
}

/** One command to be run with all of its traffic in a tunnel behind a TUN of its own. */
export interface CapturedRun extends RunCommand {
  readonly tunnel: TunnelView
  /** Takes ownership of the fd, whether it succeeds or not. The command starts once this resolves. */
  attach(tunFd: Fd): Promise<TunnelSession>
  /** Sockets and directories to close besides `defaultMasks`; absent ones are skipped. */
  readonly mask: readonly string[]
  /** Groups of `defaultMasks` that stay open. */
  readonly allow?: readonly Opening[]
  /** Root only: the identity the command runs with. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Leaves resolv.conf, nsswitch.conf and hosts as they are; queries still go into the tunnel. */
  readonly keepResolv?: boolean
}

export type Stdio = 'inherit' | 'ignore' | number

/**
 * Runs the command and ends when it has ended, its background children included.
 * @returns the exit status; 128 + n for death by signal n, 127 not found, 126 not executable
 * @throws ClawError CP_CAPTURE with the cause and the fix; the command has then not been run
 */
export async function capture(run: CapturedRun | ExtensionRun): Promise<number> {
  if ('register' in run) return (await import('./darwin/darwin.ts')).captureOnDarwin(run)
  // lazily: the native addon does not exist on other systems
  if (process.platform === 'linux') return (await import('./linux.ts')).captureOnLinux(run)
  return (await import('./unsupported.ts')).refuseCapture(process.platform)
}
