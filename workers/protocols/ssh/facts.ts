import type { DescribedSsh } from '../../contract/described.ts'

/** What rules see of something asked of an SSH server as `ssh`; what does not belong to its verb is empty. */
export interface SshFacts {
  readonly verb: string
  readonly command: string
  readonly subsystem: string
  readonly forward_host: string
  /** 0 unless something is forwarded. */
  readonly forward_port: number
  readonly user: string
  readonly stdin: string
}

/** Everything that can be asked of a server and is judged. */
export const sshVerbs = [
  'pty',
  'exec',
  'shell',
  'subsystem',
  'forward',
  'reverse_forward',
  'agent_forward',
  'x11',
  'env',
] as const

/** The facts of one thing asked, complete: what is not given is empty. */
export function sshFacts(asked: DescribedSsh): SshFacts {
  return {
    verb: asked.verb.toLowerCase(),
    command: asked.command ?? '',
    subsystem: asked.subsystem ?? '',
    forward_host: asked.forward_host ?? '',
    forward_port: asked.forward_port ?? 0,
    user: asked.user ?? '',
    stdin: asked.stdin ?? '',
  }
}
