import { describe, expect, it } from 'vitest'
import { type DescribedAction, maxDescribed } from '../../workers/contract/described.ts'
import { keptDescription } from './described.ts'
import { buildRedactor } from './redact.ts'

const redactor = buildRedactor(['hunter2-the-secret', 'with"quotes:in"it'])
const keep = (action: DescribedAction) => {
  const kept = keptDescription(JSON.stringify(action), redactor)
  return kept === null ? null : (JSON.parse(kept) as DescribedAction)
}

describe('keptDescription()', () => {
  it('keeps a description without secrets to the letter', () => {
    const text = '{"host":"a.example",  "http":{"method":"GET"}}'
    expect(keptDescription(text, redactor)).toBe(text)
  })

  it('takes known secrets out wherever they stand', () => {
    const http = { path: '/x/hunter2-the-secret', query: { q: ['hunter2-the-secret'] }, headers: { 'X-A': ['b'] } }
    expect(keep({ http })).toEqual({
      http: {
        path: '/x/[REDACTED credential]',
        query: { q: ['[REDACTED credential]'] },
        headers: { 'X-A': ['b'] },
      },
    })
  })

  it('keeps nothing that is no JSON any more without a secret', () => {
    expect(keptDescription('{"with"quotes:in"it', redactor)).toBeNull()
  })

  it('leaves out the body, then the headers, then everything, until it is short enough', () => {
    const long = 'x'.repeat(maxDescribed)
    const http = { method: 'POST', path: '/', query: {}, headers: { A: ['b'] }, body: 'c' }
    expect(keep({ host: 'h', http: { ...http, body: long } })).toEqual({
      host: 'h',
      http: { method: 'POST', path: '/', query: {}, headers: { A: ['b'] } },
    })
    expect(keep({ host: 'h', http: { ...http, headers: { A: [long] } } })).toEqual({
      host: 'h',
      http: { method: 'POST', path: '/', query: {} },
    })
    expect(keep({ http: { ...http, path: long } })).toBeNull()
    expect(keep({ sql: { statement: long } })).toBeNull()
  })
})
