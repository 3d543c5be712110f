import { ClawError } from '../contract/errors.ts'
import type { OfflineDecoder } from '../contract/offline.ts'

const decoders: { readonly [type: string]: () => Promise<OfflineDecoder> } = {
  clickhouse_https: async () => (await import('./clickhouse/offline.ts')).loadHttpsOffline(),
  clickhouse_native: async () => (await import('./clickhouse/offline.ts')).loadOffline(),
  https: async () => (await import('./https/offline.ts')).decodeOffline,
  kubernetes: async () => (await import('./kubernetes/offline.ts')).decodeOffline,
  openai_codex_https: async () => (await import('./https/offline.ts')).decodeOffline,
  postgres: async () => (await import('./postgres/offline.ts')).loadOffline(),
  ssh: async () => (await import('./ssh/offline.ts')).decodeOffline,
}

/**
 * Loads what tells rules of described actions on endpoints of a type; one line each above.
 * @throws ClawError CP_INTERNAL for a type that has a definition and no decoder
 */
export async function offlineDecoder(type: string): Promise<OfflineDecoder> {
  const load = Object.hasOwn(decoders, type) ? decoders[type] : undefined
  if (load === undefined) throw new ClawError('CP_INTERNAL', `cannot replay protocol "${type}": it has no decoder`)
  return await load()
}
