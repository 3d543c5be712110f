import type { ProtocolDefinition } from '../contract/plugin.ts'
import { https } from './https/definition.ts'

/** Every protocol there is, one line each. */
export const protocols: readonly ProtocolDefinition[] = [
  https, //
]

/** The protocol an `endpoint "<type>"` block names; undefined for an unknown type. */
export function protocolNamed(type: string): ProtocolDefinition | undefined {
  return protocols.find((protocol) => protocol.type === type)
}
