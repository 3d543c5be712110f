/** From 1970-01-01 to 2000-01-01, where PostgreSQL counts from. */
const epochDays = 10_957
const microsPerDay = 86_400_000_000n

/** Days since 2000-01-01 as an ISO date of PostgreSQL. */
export function dateText(days: number): string {
  if (days === 0x7fffffff) return 'infinity'
  if (days === -0x80000000) return '-infinity'
  const { date, era } = dayText(days)
  return `${date}${era}`
}

/** Microseconds since 2000-01-01 as an ISO timestamp of PostgreSQL. */
export function timestampText(micros: bigint, zone: string): string {
  if (micros === 0x7fffffffffffffffn) return 'infinity'
  if (micros === -0x8000000000000000n) return '-infinity'
  const rest = ((micros % microsPerDay) + microsPerDay) % microsPerDay
  const { date, era } = dayText(Number((micros - rest) / microsPerDay))
  const seconds = Number(rest / 1_000_000n)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  const fraction = String(rest % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${date} ${clock}${fraction === '' ? '' : `.${fraction}`}${zone}${era}`
}

/** @see howardhinnant.github.io/date_algorithms.html#civil_from_days */
function dayText(days: number): { readonly date: string; readonly era: '' | ' BC' } {
  const shifted = days + epochDays + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const shown = year > 0 ? year : 1 - year
  const two = (value: number) => String(value).padStart(2, '0')
  return { date: `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`, era: year > 0 ? '' : ' BC' }
}
