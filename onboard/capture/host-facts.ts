import { readFileSync } from 'node:fs'

/** Settings of this host that decide whether namespaces can be made; null where the kernel has no such setting. */
export interface HostFacts {
  readonly isRoot: boolean
  readonly unprivilegedUsernsClone: string | null
  readonly apparmorRestrictsUserns: string | null
  readonly maxUserNamespaces: string | null
}

/** Reads them from /proc; unreadable counts as absent, as the facts only choose the words of an error. */
export function readHostFacts(): HostFacts {
  return {
    isRoot: process.geteuid?.() === 0,
    unprivilegedUsernsClone: setting('kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserns: setting('kernel/apparmor_restrict_unprivileged_userns'),
    maxUserNamespaces: setting('user/max_user_namespaces'),
  }
}

function setting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim()
  } catch {
    return null
  }
}
