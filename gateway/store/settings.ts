import type { Database } from './database.ts'

/** Single values that are no secret. */
export interface Settings {
  get(key: string): string | null
  set(key: string, value: string): void
  remove(key: string): void
}

/** Totals that outlive the gateway. */
export interface Counters {
  add(name: string, amount: number): void
  all(): { readonly [name: string]: number }
}

/** The setting table's queries. */
export function settingsOf({ sqlite }: Database, now: () => number = Date.now): Settings {
  const find = sqlite.prepare('SELECT value FROM settings WHERE key = ?').pluck()
  const put = sqlite.prepare('INSERT OR REPLACE INTO settings (key, value, updated_at) VALUES (?, ?, ?)')
  const drop = sqlite.prepare('DELETE FROM settings WHERE key = ?')
  return {
    get: (key) => (find.get(key) as string | undefined) ?? null,
    set: (key, value) => void put.run(key, value, now()),
    remove: (key) => void drop.run(key),
  }
}

/** The counter table's queries. */
export function countersOf({ sqlite }: Database): Counters {
  const add = sqlite.prepare(
    'INSERT INTO counters (name, value) VALUES (@name, @amount) ON CONFLICT (name) DO UPDATE SET value = value + @amount',
  )
  const all = sqlite.prepare('SELECT name, value FROM counters ORDER BY name')
  return {
    add: (name, amount) => void add.run({ name, amount }),
    all: () => Object.fromEntries((all.all() as { name: string; value: number }[]).map((row) => [row.name, row.value])),
  }
}
