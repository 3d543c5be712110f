import { ClawError } from '../contract/errors.ts'
import type { ProtocolRuntime } from '../contract/plugin.ts'

const runtimes: { readonly [type: string]: () => Promise<ProtocolRuntime> } = {
  clickhouse_native: async () => (await import('./clickhouse/native/runtime.ts')).clickhouseNative,
  clickhouse_https: async () => (await import('./clickhouse/https/runtime.ts')).clickhouseHttps,
  https: async () => (await import('./https/runtime.ts')).https,
  postgres: async () => (await import('./postgres/runtime.ts')).postgres,
}

/**
 * Loads the code that serves flows of a protocol type; one line each above.
 * @throws ClawError CP_INTERNAL for a type that has a definition and no runtime
 */
export async function runtimeOf(type: string): Promise<ProtocolRuntime> {
  const load = Object.hasOwn(runtimes, type) ? runtimes[type] : undefined
  if (load === undefined) throw new ClawError('CP_INTERNAL', `cannot serve protocol "${type}": it has no runtime`)
  return await load()
}
