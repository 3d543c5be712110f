import type { ProtocolDefinition } from '../contract/plugin.ts'
import { clickhouseHttps, clickhouseNative } from './clickhouse/definition.ts'
import { https } from './https/definition.ts'
import { kubernetes } from './kubernetes/definition.ts'
import { openaiCodex } from './openai-codex/definition.ts'
import { postgres } from './postgres/definition.ts'
import { ssh } from './ssh/definition.ts'

/** Every protocol there is, one line each. */
export const protocols: readonly ProtocolDefinition[] = [
  clickhouseHttps,
  clickhouseNative,
  https,
  kubernetes,
  openaiCodex,
  postgres,
  ssh,
]

/** The protocol an `endpoint "<type>"` block names; undefined for an unknown type. */
export function protocolNamed(type: string): ProtocolDefinition | undefined {
  return protocols.find((protocol) => protocol.type === type)
}
