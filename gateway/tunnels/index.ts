import type { TunnelDefinition } from '../../workers/contract/plugin.ts'
import { kubernetesPortForward } from './kubernetes-port-forward/definition.ts'
import { localCommand } from './local-command/definition.ts'
import { sshPortForward } from './ssh-port-forward/definition.ts'
import { tailscale } from './tailscale/definition.ts'

/** Every tunnel type there is, one line each. */
export const tunnels: readonly TunnelDefinition[] = [
  kubernetesPortForward, //
  localCommand,
  sshPortForward,
  tailscale,
]

/** The tunnel type a `tunnel "<type>"` block names; undefined for an unknown type. */
export function tunnelNamed(type: string): TunnelDefinition | undefined {
  return tunnels.find((tunnel) => tunnel.type === type)
}
