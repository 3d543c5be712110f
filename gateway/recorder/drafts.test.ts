import { describe, expect, it } from 'vitest'
import type { ActionId, EpochMs } from '../../workers/contract/ids.ts'
import { draftOf } from './draft.ts'
import { Drafts } from './drafts.ts'
import { aFlow, opened } from './events.fixture.ts'
import { buildRedactor } from './redact.ts'

const redactor = buildRedactor(['first-secret'])
const first = opened({ title: 'first-secret second-secret' })
const alike = (id: string, at: number) => ({
  ...first,
  action: { ...first.action, id: id as ActionId, at: at as EpochMs },
  like: first,
})

describe('begins that are alike', () => {
  it('make the rows they would make alone', () => {
    const drafts = new Drafts()
    for (const event of [alike('a', 1), alike('b', 2), alike('c', 3)])
      expect(drafts.of(event, aFlow, redactor)).toEqual(draftOf(event, aFlow, redactor))
  })

  it('do not see what became of the others', () => {
    const drafts = new Drafts()
    for (const event of [alike('a', 1), alike('b', 2)])
      Object.assign(drafts.of(event, aFlow, redactor), { status: 'SELECT 1', closedAt: 9, verdict: 'deny' })
    expect(drafts.of(alike('c', 3), aFlow, redactor)).toEqual(draftOf(alike('c', 3), aFlow, redactor))
  })

  it('are redacted anew when other secrets are known', () => {
    const drafts = new Drafts()
    drafts.of(alike('a', 1), aFlow, redactor)
    const { title } = drafts.of(alike('b', 2), aFlow, buildRedactor(['first-secret', 'second-secret']))
    expect(title).toBe('[REDACTED credential] [REDACTED credential]')
  })

  it('are of their own flows', () => {
    const drafts = new Drafts()
    drafts.of(alike('a', 1), aFlow, redactor)
    expect(
      drafts.of(alike('b', 2), { ...aFlow, user: 'u', target: { host: 'x', port: 1 } } as never, redactor),
    ).toMatchObject({ target: 'x:1' })
    expect(drafts.of(alike('c', 3), null, redactor)).toMatchObject({ target: null })
  })
})
