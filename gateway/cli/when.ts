import { parseDuration } from '../config/durations.ts'

/**
 * A moment as people name it: so long ago (`90m`, `24h`, `7d`) or a time (`2026-11-21T10:00`).
 * @param option whose value it is, for the sentence
 * @returns epoch ms; or what is wrong in words
 */
export function momentOf(text: string, option: string): number | string {
  const [, days, rest = ''] = /^(\d+)d(.*)$/s.exec(text) ?? []
  const ago = days === undefined ? parseDuration(text) : rest === '' ? 0 : parseDuration(rest)
  if (typeof ago === 'number') return Date.now() - Number(days ?? 0) * 86_400_000 - Math.abs(ago)
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? `${option} ${JSON.stringify(text)} is neither a duration like 24h nor a time` : at
}
