import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HeaderList } from './header-list.ts'
import { Sampler } from './sampler.ts'

const headers = HeaderList.of('Content-Type', 'text/plain')
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

describe('Sampler', () => {
  it('keeps a short body whole, with its digest', () => {
    const sampler = new Sampler(10).describe(headers)
    sampler.add(Buffer.from('some'))
    sampler.add(Buffer.from('thing'))
    const sample = sampler.sample(true)
    expect(text(sample?.bytes)).toBe('something')
    expect(sample?.bytes.buffer.byteLength).toBe(9)
    const sha256 = createHash('sha256').update('something').digest('hex')
    expect(sample).toMatchObject({ total: 9, sha256, contentType: 'text/plain' })
    expect(sampler.sample(false)?.sha256).toBe(null)
  })

  it('keeps the first bytes of a long one, and counts the rest', () => {
    const sampler = new Sampler(6)
    for (const piece of ['some', 'thing', 'more']) sampler.add(Buffer.from(piece))
    expect(text(sampler.sample(true)?.bytes)).toBe('someth')
    expect(sampler.sample(true)).toMatchObject({ total: 13, sha256: null, contentType: null })
  })

  it('has nothing of an empty one', () => {
    expect(new Sampler(6).sample(true)).toBe(null)
  })

  it('does not change with the buffer it was given', () => {
    const sampler = new Sampler(6)
    const piece = Buffer.from('before')
    sampler.add(piece)
    piece.fill('x')
    expect(text(sampler.sample(true)?.bytes)).toBe('before')
  })
})
