import { getSystemErrorMap } from 'node:util'
import type { HostFacts } from './host-facts.ts'

/** A step of the helper that the system refused. */
export interface HelperFailure {
  readonly stage: string
  readonly errno: number
  readonly path: string
}

/** Why commands cannot be captured here, and the command that changes it. */
export interface CaptureProblem {
  readonly message: string
  readonly fix: string
}

/**
 * Turns a refusal of the kernel into its cause and its fix.
 * @param helper path of the helper executable, named by an AppArmor profile
 */
export function explainFailure(failure: HelperFailure, facts: HostFacts, helper: string): CaptureProblem {
  const [name, text] = getSystemErrorMap().get(-failure.errno) ?? [`errno ${failure.errno}`, 'unknown error']
  const say = (what: string, fix: string): CaptureProblem => ({ message: `Cannot ${what}: ${text} (${name})`, fix })
  const stage = failure.stage
  if (stage.startsWith('tun-')) return say(`open "/dev/net/tun"`, fixTun(name))
  if (isNamespaceStage(stage)) return explainNamespace(stage, name, facts, helper, say)
  if (stage.startsWith('mount-') && isDnsFile(failure.path))
    return say(`lock DNS down at "${failure.path}"`, fixDns(failure, name))
  const known = STAGES[stage]
  const at = failure.path === '' ? '' : ` "${failure.path}"`
  if (known !== undefined) return say(`${known.what}${at}`, known.fix)
  return say(`prepare the capture at step "${stage}"${at}`, REPORT)
}

const REPORT = 'report it with what clawpatrol version and uname -a print'

const STAGES: Readonly<Record<string, { readonly what: string; readonly fix: string }>> = {
  cwd: { what: 'enter the working directory', fix: 'cd to a directory that the command may enter and see' },
  'hide-keep': { what: 'keep the public file', fix: 're-run clawpatrol join, which writes it anew' },
  'mount-hide': { what: 'hide the directory', fix: 'make it readable for yourself or move it' },
  'mount-find': { what: 'look for the socket', fix: 'make its directory readable or remove it' },
  'proc-mount': {
    what: 'mount a fresh /proc',
    fix: 'mount /proc unmasked, with docker run --security-opt systempaths=unconfined',
  },
  'switch-user': { what: 'become the chosen user', fix: 'run as root, or as that user without the option' },
  address: { what: 'set the tunnel address', fix: 're-run clawpatrol join' },
}

function fixTun(name: string): string {
  if (name === 'EACCES') return 'sudo chmod 0666 /dev/net/tun'
  if (name === 'EPERM') return 'start the container with --device /dev/net/tun'
  return 'sudo modprobe tun'
}

function isDnsFile(path: string): boolean {
  return path === '/etc/resolv.conf' || path === '/etc/nsswitch.conf' || path === '/etc/hosts'
}

function fixDns(failure: HelperFailure, name: string): string {
  if (name === 'ENOENT') return `sudo touch "$(readlink -m ${failure.path})"`
  return 'set CLAWPATROL_RUN_KEEP_RESOLV=1 to leave the files alone; queries still go into the tunnel'
}

const NAMESPACES: Readonly<Record<string, { readonly what: string; readonly limit: string }>> = {
  'user-namespace': { what: 'make a user namespace', limit: 'max_user_namespaces' },
  'id-map': { what: 'map this user into a user namespace', limit: 'max_user_namespaces' },
  namespaces: { what: 'make network and mount namespaces', limit: 'max_net_namespaces' },
  'network-namespace': { what: 'make a network namespace', limit: 'max_net_namespaces' },
  'mount-namespace': { what: 'make a mount namespace', limit: 'max_mnt_namespaces' },
  'mount-private': { what: 'make mounts private to the command', limit: 'max_mnt_namespaces' },
  'pid-namespace': { what: 'make a pid namespace', limit: 'max_pid_namespaces' },
}

function isNamespaceStage(stage: string): boolean {
  return Object.hasOwn(NAMESPACES, stage)
}

function explainNamespace(
  stage: string,
  name: string,
  facts: HostFacts,
  helper: string,
  say: (what: string, fix: string) => CaptureProblem,
): CaptureProblem {
  const { what, limit } = NAMESPACES[stage] ?? { what: stage, limit: '' }
  if (name === 'ENOSPC') return say(`${what}, user.${limit} is reached`, `sudo sysctl -w user.${limit}=15000`)
  if (facts.unprivilegedUsernsClone === '0' && !facts.isRoot) {
    return say(`${what}, kernel.unprivileged_userns_clone is 0`, 'sudo sysctl -w kernel.unprivileged_userns_clone=1')
  }
  if (facts.apparmorRestrictsUserns === '1' && !facts.isRoot) {
    return say(`${what}, AppArmor restricts unprivileged user namespaces`, appArmorProfile(helper))
  }
  return say(what, 'allow it in the container: --cap-add SYS_ADMIN --security-opt seccomp=unconfined')
}

function appArmorProfile(helper: string): string {
  const profile = `abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile clawpatrol-netns "${helper}" flags=(unconfined) {\\n  userns,\\n}\\n`
  const file = '/etc/apparmor.d/clawpatrol-netns'
  return `printf '${profile}' | sudo tee ${file} && sudo apparmor_parser -r ${file}`
}
