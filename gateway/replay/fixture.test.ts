import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFixture } from './fixture.ts'

const good = { match: { verdict: 'allow' }, action: { host: 'a.test', http: { method: 'GET', path: '/' } } }
const problems = (value: unknown) => {
  const read = readFixture(typeof value === 'string' ? value : JSON.stringify(value))
  return 'problems' in read ? read.problems : []
}
const withAction = (action: object) => ({ ...good, action: { ...good.action, ...action } })

describe('readFixture()', () => {
  it('reads a fixture; a request without query has none', () => {
    const read = readFixture(JSON.stringify(good))
    expect(read).toEqual({
      fixture: {
        match: { verdict: 'allow' },
        action: { host: 'a.test', http: { method: 'GET', path: '/', query: {} } },
      },
    })
  })

  it('takes empty texts for absent ones', () => {
    const read = readFixture(JSON.stringify(withAction({ credential: '', profile: '', host: '' })))
    expect('fixture' in read && Object.keys(read.fixture.action)).toEqual(['http'])
  })

  it('takes http beside k8s', () => {
    expect(problems(withAction({ k8s: { verb: 'get' } }))).toEqual([])
  })

  it.each<[unknown, string]>([
    ['{', 'not JSON'],
    ['[]', 'the fixture: '],
    [{ match: { verdict: 'allow' } }, 'action: '],
    [{ action: good.action }, 'match: '],
    [{ ...good, also: 1 }, 'also: unknown member'],
    [{ ...good, match: { verdict: 'allow', rul: 'x' } }, 'match.rul: unknown member'],
    [{ ...good, match: {} }, 'match.verdict: '],
    [{ ...good, match: { verdict: 'ask' } }, 'match.verdict: '],
    [{ ...good, match: { verdict: 'allow', endpoint: 'api' } }, 'match.endpoint: is not <type>.<name>'],
    [{ ...good, match: { verdict: 'allow', endpoint: '.api' } }, 'match.endpoint: is not <type>.<name>'],
    [withAction({ hots: 'a' }), 'action.hots: unknown member'],
    [withAction({ http: { metod: 'GET' } }), 'action.http.metod: unknown member'],
    [withAction({ http: { query: { q: '1' } } }), 'action.http.query.q: '],
    [withAction({ http: { headers: { A: ['1', 2] } } }), 'action.http.headers.A.1: '],
    [withAction({ http: { body: 'a', body_b64: 'YQ==' } }), 'action.http: body and body_b64 cannot stand together'],
    [withAction({ http: { body_b64: '%%' } }), 'action.http.body_b64: '],
    [withAction({ at: 'yesterday' }), 'action.at: is not an ISO 8601 time'],
    [withAction({ rates: { a: -1 } }), 'action.rates.a: '],
    [{ ...good, action: { host: 'a' } }, 'action: one of http, k8s, sql and ssh is missing'],
    [withAction({ ssh: { verb: 'exec' } }), 'action: http and ssh cannot stand together'],
    [{ ...good, action: { sql: {} } }, 'action.sql.statement: '],
    [{ ...good, action: { ssh: { verb: 'forward', forward_port: 70000 } } }, 'action.ssh.forward_port: '],
  ])('refuses %j', (value, problem) => {
    expect(problems(value).some((each) => each.startsWith(problem))).toBe(true)
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Object.keys(readFixture(text))).toHaveLength(1)
      }),
      { numRuns: 300 },
    )
  })
})
