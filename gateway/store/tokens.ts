import { createHash, randomBytes } from 'node:crypto'
import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'

/** What devices show to the management API. The database knows only hashes of them. */
export interface Tokens {
  /** @returns the token, which cannot be had again */
  mint(device: DeviceId): string
  /** Whose token it is. Looked up by its hash, so timing tells nothing of other tokens. */
  deviceOf(token: string): DeviceId | null
  /** Makes every token of a device worthless; @returns how many there were. */
  revoke(device: DeviceId): number
}

/** How precisely last use is known, ms. */
const usedEveryMs = 60_000
const maxLength = 256

/** The token table's queries. */
export function tokensOf({ sqlite }: Database, now: () => number = Date.now): Tokens {
  const insert = sqlite.prepare('INSERT INTO tokens (hash, device, created_at) VALUES (?, ?, ?)')
  const find = sqlite.prepare('SELECT device, last_used_at AS lastUsedAt FROM tokens WHERE hash = ?')
  const used = sqlite.prepare('UPDATE tokens SET last_used_at = ? WHERE hash = ?')
  const drop = sqlite.prepare('DELETE FROM tokens WHERE device = ?')
  return {
    mint(device) {
      const token = `cpt_${randomBytes(32).toString('base64url')}`
      insert.run(hashOf(token), device, now())
      return token
    },
    deviceOf(token) {
      if (token.length > maxLength) return null
      const hash = hashOf(token)
      const row = find.get(hash) as { device: DeviceId; lastUsedAt: number | null } | undefined
      if (row === undefined) return null
      if (row.lastUsedAt === null || Math.abs(now() - row.lastUsedAt) >= usedEveryMs) used.run(now(), hash)
      return row.device
    },
    revoke: (device) => drop.run(device).changes,
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
