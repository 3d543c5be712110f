import { describe, expect, it } from 'vitest'
import { type DescribedAction, maxDescribed } from './described.ts'
import { describedText } from './described-text.ts'

const textOf = (action: DescribedAction) => JSON.parse(describedText(() => action) ?? 'null') as DescribedAction | null

describe('describedText()', () => {
  it('masks sensitive values one for one, and leaves the body out unless it says that there was none', () => {
    const headers = { Authorization: ['a', 'b'], 'X-Api-Key': ['c'], Accept: ['*/*'] }
    const http = { method: 'POST', path: '/', query: { token: ['d'], page: ['2'] }, headers }
    const masked = { Authorization: ['***', '***'], 'X-Api-Key': ['***'], Accept: ['*/*'] }
    const kept = { ...http, query: { token: ['***'], page: ['2'] }, headers: masked }
    expect(textOf({ http: { ...http, body: 'secret' } })).toEqual({ http: kept })
    expect(textOf({ http: { ...http, body_b64: 'AAAA' } })).toEqual({ http: kept })
    expect(textOf({ http: { ...http, body: '' } })).toEqual({ http: { ...kept, body: '' } })
    expect(textOf({ k8s: { params: { token: 'x', container: 'y' } } })).toEqual({
      k8s: { params: { token: '***', container: 'y' } },
    })
  })

  it('masks all headers of what is too long, and gives up on what is too long even then', () => {
    const long = 'é'.repeat(maxDescribed / 2)
    expect(textOf({ http: { path: '/', headers: { A: [long], B: ['c'] } } })).toEqual({
      http: { path: '/', headers: { A: ['***'], B: ['***'] } },
    })
    expect(textOf({ http: { path: long } })).toBeNull()
    expect(
      describedText(() => {
        throw new Error('no')
      }),
    ).toBeNull()
  })
})
