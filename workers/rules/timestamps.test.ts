import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { http } from '../contract/families/http.ts'
import { checkCondition } from './check.ts'
import { truthOf } from './condition.fixture.ts'
import { aRequest } from './request.fixture.ts'
import { partsAt } from './timestamps.ts'

const at = (moment: string) => aRequest({ context: { nowMs: Date.parse(moment) } })

describe('now', () => {
  it.each([
    // Sunday 29 March 2026: clocks in Paris go from 02:00 to 03:00 at 01:00 UTC
    ["now.getHours('Europe/Paris') == 1", '2026-03-29T00:59:59Z'],
    ["now.getHours('Europe/Paris') == 3", '2026-03-29T01:00:00Z'],
    // Sunday 25 October 2026: 02:59 comes twice
    ["now.getHours('Europe/Paris') == 2 && now.getMinutes('Europe/Paris') == 30", '2026-10-25T00:30:00Z'],
    ["now.getHours('Europe/Paris') == 2 && now.getMinutes('Europe/Paris') == 30", '2026-10-25T01:30:00Z'],
    ["now.getHours('Europe/Paris') == 3", '2026-10-25T02:00:00Z'],
    ["now.getHours('America/New_York') == 0", '2026-07-01T04:00:00Z'],
    ["now.getDayOfWeek('Asia/Tokyo') == 3 && now.getDayOfWeek() == 2", '2026-01-13T23:00:00Z'],
    ["now.getDate('Pacific/Auckland') == 14 && now.getDate() == 13", '2026-01-13T12:00:00Z'],
    ["now.getHours('+05:30') == 15 && now.getMinutes('+05:30') == 30", '2026-01-13T10:00:00Z'],
    ["now.getHours('-08:00') == 2", '2026-01-13T10:00:00Z'],
    ["now.getHours('02:00') == 12", '2026-01-13T10:00:00Z'],
    ['now.getFullYear() == 2024 && now.getMonth() == 11 && now.getDayOfYear() == 365', '2024-12-31T23:59:59Z'],
    ['now.getDayOfMonth() == 0 && now.getDate() == 1 && now.getDayOfYear() == 0', '2026-01-01T00:00:00Z'],
    ['now.getSeconds() == 7 && now.getMilliseconds() == 89', '2026-01-01T00:00:07.089Z'],
    [
      "now >= timestamp('2026-01-13T10:00:00Z') && now < timestamp('2026-01-13T11:00:00+00:59')",
      '2026-01-13T10:00:00Z',
    ],
    ["now - timestamp('2026-01-13T09:00:00Z') == duration('1h')", '2026-01-13T10:00:00Z'],
    ["timestamp('2026-01-13T09:00:00Z') - now < duration('0s')", '2026-01-13T10:00:00.5Z'],
    ["now + duration('90m') > timestamp('2026-01-13T11:29:59Z')", '2026-01-13T10:00:00Z'],
    ["now - duration('1h') == timestamp('2026-01-13T09:00:00Z')", '2026-01-13T10:00:00Z'],
    [
      "duration('1h30m') + duration('30m') == duration('2h') && duration('2h') - duration('1s') < duration('2h')",
      '2026-01-13T10:00:00Z',
    ],
    ["duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90", '2026-01-13T10:00:00Z'],
    ['timestamp(1768298400) == now', '2026-01-13T10:00:00Z'],
    ["string(http.body_json) == 'x' || now > timestamp(0)", '2026-01-13T10:00:00Z'],
  ])('%s at %s', (condition, moment) => {
    expect(truthOf(condition, at(moment))).toBe(true)
  })

  it('shows in any zone what Intl shows', () => {
    const zone = fc.constantFrom('Europe/Paris', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC')
    const moment = fc.date({ min: new Date('1972-01-01'), max: new Date('2037-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(zone, moment, (timeZone, date) => {
        const { year, month, day, hour, minute, second } = partsAt(date, timeZone)
        const pad = (value: number) => String(value).padStart(2, '0')
        const text = `${year}-${pad(month)}-${pad(day)} ${pad(hour)}:${pad(minute)}:${pad(second)}`
        expect(text).toBe(date.toLocaleString('sv-SE', { timeZone }))
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    'timestamp(http.path) < now',
    'now.getHours(http.path) == 1',
    "timestamp(http.host + '-02-30T00:00:00Z') < now",
  ])('%s cannot be evaluated', (condition) => {
    expect(truthOf(condition, aRequest({ facts: { path: 'Tue, 13 Jan 2026 10:00', host: '2026' } }))).toBe(
      'evaluation error',
    )
  })

  it.each([
    ["now.getHours('Europe/Pariss') > 9", "'Europe/Pariss': there is no such time zone"],
    ["timestamp('yesterday') < now", "'yesterday': a timestamp is written like '2026-01-31T09:00:00Z'"],
    [
      "timestamp('2026-02-30T00:00:00Z') < now",
      "'2026-02-30T00:00:00Z': a timestamp is written like '2026-01-31T09:00:00Z'",
    ],
    ['now == 5', 'no such overload: google.protobuf.Timestamp == int'],
    ['[1].all(now, now == 1)', 'the iteration variable hides now: give it another name'],
    ['[1].all(profile, profile == 1)', 'the iteration variable hides profile: give it another name'],
    ["profile.name == ''", "cannot index type 'string'"],
    ["nobody == 'x'", 'unknown variable: nobody; rules here read http'],
  ])('%s is refused', (condition, message) => {
    expect(checkCondition(condition, [http])[0]?.message).toBe(message)
  })
})

describe('profile, device and endpoint', () => {
  it('are variables of every rule', () => {
    const condition = "profile == 'agents' && device.startsWith('lap') && endpoint in ['api', 'db']"
    expect(checkCondition(condition, [http])).toEqual([])
    expect(truthOf(condition)).toBe(true)
    expect(truthOf(condition, aRequest({ context: { device: 'desk' } }))).toBe(false)
  })
})
