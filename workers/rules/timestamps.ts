import type { Environment } from 'cel-js'
import { spend, startBudget } from './budget.ts'

/** The parts of a moment in some place, as a calendar there shows them. */
interface Parts {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** Every accessor of a timestamp as CEL defines it: months, days of the month and of the year count from 0. */
const accessors: { readonly [name: string]: (parts: Parts, milliseconds: number) => number } = {
  getFullYear: ({ year }) => year,
  getMonth: ({ month }) => month - 1,
  getDate: ({ day }) => day,
  getDayOfMonth: ({ day }) => day - 1,
  getDayOfWeek: (parts) => new Date(midnight(parts)).getUTCDay(),
  getDayOfYear: (parts) => (midnight(parts) - midnight({ ...parts, month: 1, day: 1 })) / dayMs,
  getHours: ({ hour }) => hour,
  getMinutes: ({ minute }) => minute,
  getSeconds: ({ second }) => second,
  getMilliseconds: (_, milliseconds) => milliseconds,
}

const dayMs = 86_400_000
const partsNs = 6000

/** Names that cel-js has and that are ours instead: its own are wrong where the gateway is not in UTC. */
export const timestampNames = [...Object.keys(accessors), 'timestamp']

/** Adds the accessors and `timestamp()` under the names that calls are renamed to. */
export function registerTimestamps(environment: Environment): void {
  const sync = { async: false }
  const type = 'google.protobuf.Timestamp'
  for (const [name, read] of Object.entries(accessors)) {
    const get = (at: Date, zone: string) => {
      spend(partsNs)
      return BigInt(read(partsAt(at, zone), at.getUTCMilliseconds()))
    }
    environment.registerFunction(`${type}.__${name}(): int`, (at: Date) => get(at, 'UTC'), sync)
    environment.registerFunction(`${type}.__${name}(string): int`, get, sync)
  }
  const duration = 'google.protobuf.Duration'
  type Duration = { readonly [name: string]: () => bigint }
  for (const name of ['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'])
    environment.registerFunction(`${duration}.__${name}(): int`, (value: Duration) => value[name]?.(), sync)
  environment.registerFunction(`__timestamp(string): ${type}`, timestampOf, sync)
  environment.registerFunction(`__timestamp(int): ${type}`, (seconds: bigint) => inRange(Number(seconds) * 1000), sync)
  environment.registerFunction(`__timestamp(${type}): ${type}`, (at: Date) => at, sync)
}

/**
 * Reads RFC 3339, to the millisecond.
 * @throws Error when the text is anything else
 */
export function timestampOf(text: string): Date {
  const form = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
  // a day that no month has would roll over into the next
  const [, month = '', day = ''] = /^\d{4}-(\d\d)-(\d\d)/.exec(text) ?? []
  const last = new Date(Date.UTC(Number(text.slice(0, 4)), Number(month), 0)).getUTCDate()
  if (text.length > 40 || !form.test(text) || Number(day) > last)
    throw new Error("a timestamp is written like '2026-01-31T09:00:00Z'")
  return inRange(new Date(text.toUpperCase()).getTime())
}

function inRange(ms: number): Date {
  if (!(ms >= -62_135_596_800_000 && ms <= 253_402_300_799_999))
    throw new Error('a timestamp is in the years 1 to 9999')
  return new Date(ms)
}

/** Zones an agent may name, too: there is an end to what is kept. */
const mostZones = 512
const zones = new Map<string, Intl.DateTimeFormat>()

/**
 * What the calendar and the clocks of a zone show.
 * @param zone `Europe/Paris`, `UTC`, or a fixed offset `+05:30`
 * @throws Error when there is no such zone
 */
export function partsAt(at: Date, zone: string): Parts {
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (offset !== null) {
    const [, sign, hours, minutes] = offset
    const ms = (Number(hours) * 60 + Number(minutes)) * 60_000
    return utcParts(new Date(at.getTime() + (sign === '-' ? -ms : ms)))
  }
  if (zone === 'UTC' || zone === '') return utcParts(at)
  const shown = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(shown.get(type))
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
  }
}

/** @throws Error when there is no such zone */
export function checkZone(zone: string): void {
  startBudget()
  partsAt(new Date(0), zone)
}

function utcParts(at: Date): Parts {
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  }
}

function midnight({ year, month, day }: Parts): number {
  return new Date(0).setUTCFullYear(year, month - 1, day)
}

const zoneNs = 200_000

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = zones.get(zone)
  if (known !== undefined) return known
  spend(zoneNs)
  // names only: Intl takes offsets of its own kind
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(zone)) throw new Error('there is no such time zone')
  const numeric = 'numeric' as const
  const format = zoned(zone, {
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  })
  if (zones.size >= mostZones) zones.delete(zones.keys().next().value ?? '')
  zones.set(zone, format)
  return format
}

function zoned(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { ...options, timeZone })
  } catch (cause) {
    throw new Error('there is no such time zone', { cause })
  }
}
