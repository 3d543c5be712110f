import { describe, expect, it } from 'vitest'
import type { DescribedAction } from './described.ts'
import { maxDescribed } from './described.ts'
import { describedText } from './described-text.ts'

const read = (action: DescribedAction) => JSON.parse(describedText(() => action) ?? 'null') as DescribedAction | null

describe('describedText()', () => {
  it('masks sensitive values and leaves out the body', () => {
    const headers = { Authorization: ['Bearer x'], 'X-Api-Key': ['k', 'l'], Accept: ['*/*'], 'Set-Cookie': ['c'] }
    const query = { q: ['1'], access_token: ['t'], X_Signature: ['s'] }
    const params = { command: 'ls', token: 't' }
    const action = {
      host: 'a.example',
      http: { method: 'get', headers, query, body: 'secret', body_b64: 'eA==' },
      k8s: { params },
    }
    expect(read(action)).toEqual({
      host: 'a.example',
      http: {
        method: 'get',
        headers: { Authorization: ['***'], 'X-Api-Key': ['***', '***'], Accept: ['*/*'], 'Set-Cookie': ['***'] },
        query: { q: ['1'], access_token: ['***'], X_Signature: ['***'] },
      },
      k8s: { params: { command: 'ls', token: '***' } },
    })
  })

  it('masks values that show that they are credentials, whatever they are called', () => {
    const headers = {
      'X-Forwarded': ['a', 'bearer abc'],
      Referer: ['https://me:hunter2@a.example/'],
      Origin: ['https://a.example:8443'],
      From: ['basic@a.example'],
    }
    const query = { sig: ['s'], next: ['https://u:p@b.example'], design: ['d'], pass: ['p'], passage: ['x'] }
    expect(read({ http: { headers, query } })).toEqual({
      http: {
        headers: { ...headers, 'X-Forwarded': ['***', '***'], Referer: ['***'] },
        query: { sig: ['***'], next: ['***'], design: ['d'], pass: ['***'], passage: ['x'] },
      },
    })
  })

  it('masks parameters of SQL that are called or look like secrets, and all of them where they are too long', () => {
    const statement = 'select {password:String}, {next:String}, {a:String}'
    const params = { password: 'p', next: 'https://u:p@b.example', a: '1' }
    expect(read({ sql: { statement, params } })).toEqual({
      sql: { statement, params: { password: '***', next: '***', a: '1' } },
    })
    expect(read({ sql: { statement, params: { a: 'x'.repeat(maxDescribed) } } })).toEqual({
      sql: { statement, params: { a: '***' } },
    })
  })

  it('masks all headers where they are too long', () => {
    const action = { http: { path: '/x', headers: { 'X-Long': ['é'.repeat(maxDescribed / 2)], Accept: ['a'] } } }
    expect(read(action)).toEqual({ http: { path: '/x', headers: { 'X-Long': ['***'], Accept: ['***'] } } })
  })

  it('is null where even that is too long, or the action cannot be described', () => {
    expect(describedText(() => ({ sql: { statement: 'x'.repeat(maxDescribed) } }))).toBeNull()
    expect(describedText(() => ({ sql: { statement: 'é'.repeat(maxDescribed / 2) } }))).toBeNull()
    const failing = () => {
      throw new Error('no')
    }
    expect(describedText(failing)).toBeNull()
  })
})
