import { describe, expect, it } from 'vitest'
import { isEvent, isToHost } from './message-check.ts'

const by = { by: 'rule', rule: 'reads' }
const action = {
  ...{ id: 'a', flow: 'f', endpoint: 'db', protocol: 'postgres', credential: null, title: 'SELECT 1', at: 5 },
  ...{ facts: { verb: 'select', tables: ['t'], rows: 2n, more: { all: null } }, unknowns: [] },
}
const sample = { bytes: new Uint8Array(4), total: 4, sha256: null, contentType: null }
const ended = { status: 'ok', error: null, bytesUp: 0, bytesDown: 0, request: null, response: null, at: 5 }

function opened(more: object, verdict: object = { kind: 'allow', decider: by }) {
  return { kind: 'opened', action: { ...action, ...more }, verdict }
}

/** Facts that are part of themselves. */
const endless: { [name: string]: unknown } = {}
endless.self = endless

describe('an event of a thread', () => {
  it.each([
    ['a begin', opened({})],
    ['a begin of which something is unknown', opened({ unknowns: [{ path: 'sql.tables', because: 'unparsed' }] })],
    ['a begin that a setting decided', opened({}, { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } })],
    ['an end', { kind: 'closed', action: 'a', ...ended, request: sample }],
  ])('is taken: %s', (_, event) => {
    expect(isEvent(event)).toBe(true)
  })

  it.each([
    [
      'decided by nobody, with a profile of its own',
      opened({}, { kind: 'allow', decider: { by: 'x', profile: 'other' } }),
    ],
    ['decided by a rule without a name', opened({}, { kind: 'allow', decider: { by: 'rule' } })],
    ['at a time no date can say', opened({ at: 1e300 })],
    ['at no time', opened({ at: undefined })],
    ['with a credential that is none', opened({ credential: { name: 'x' } })],
    ['with bytes among its facts', opened({ facts: { body: new Uint8Array(8) } })],
    ['with facts that have no end', opened({ facts: endless })],
    ['with a list for facts', opened({ facts: [] })],
    ['with unknowns that are none', opened({ unknowns: [null] })],
    ['with a text for what it is like', { ...opened({}), like: 'x' }],
    ['that ends at no time', { kind: 'closed', action: 'a', ...ended, at: Number.NaN }],
    [
      'with a sample the thread can still write to',
      {
        kind: 'closed',
        action: 'a',
        ...ended,
        request: { ...sample, bytes: new Uint8Array(new SharedArrayBuffer(4)) },
      },
    ],
    [
      'with a sample that is a small part of much',
      {
        kind: 'closed',
        action: 'a',
        ...ended,
        request: { ...sample, bytes: new Uint8Array(new ArrayBuffer(2 ** 23), 0, 4) },
      },
    ],
  ])('is refused: %s', (_, event) => {
    expect(isEvent(event)).toBe(false)
    expect(isToHost({ kind: 'record', events: [event] })).toBe(false)
  })
})
