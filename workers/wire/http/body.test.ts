import { describe, expect, it } from 'vitest'
import { ClawError } from '../../contract/errors.ts'
import { Body, type BodySink } from './body.ts'
import { HeaderList } from './header-list.ts'

const stallMs = 20

function valve() {
  const log: string[] = []
  return { log, pause: () => log.push('pause'), resume: () => log.push('resume') }
}

function sink(room = true): BodySink & { readonly log: string[] } {
  const log: string[] = []
  return {
    log,
    onDrain: null,
    write: (chunk) => {
      log.push(chunk.toString())
      return room
    },
    end: (trailers) => log.push(trailers === null ? 'end' : `end ${trailers.values.join()}`),
    abort: (error) => log.push(`abort ${error.message}`),
  }
}

describe('Body', () => {
  it('gives what came before and after the sink was there, in order', () => {
    const body = new Body(null, null)
    body.push(Buffer.from('a'))
    const to = sink()
    body.pipe(to)
    body.push(Buffer.from('b'))
    body.finish(HeaderList.of('T', '1'))
    expect(to.log).toEqual(['a', 'b', 'end 1'])
    expect(body.received).toBe(2)
  })

  it('holds its source up while nobody takes it or the sink is full, and no longer than it lasts', () => {
    const source = valve()
    const body = new Body(null, source)
    body.push(Buffer.alloc(70_000))
    expect(source.log).toEqual(['pause'])
    const to = sink(false)
    body.pipe(to)
    expect(source.log).toEqual(['pause'])
    to.onDrain?.()
    body.push(Buffer.from('x'))
    expect(source.log).toEqual(['pause', 'resume', 'pause'])
    body.finish(null)
    expect(source.log).toEqual(['pause', 'resume', 'pause', 'resume'])
    to.onDrain?.()
    expect(source.log).toHaveLength(4)
  })

  it('shows a whole body without taking it', async () => {
    const body = new Body(4, null)
    const peeked = body.peek(4, stallMs)
    body.push(Buffer.from('ab'))
    body.push(Buffer.from('cd'))
    body.finish(null)
    expect(await peeked).toBe('whole')
    expect(body.heldPrefix(3).toString()).toBe('abc')
    const to = sink()
    body.pipe(to)
    expect(to.log).toEqual(['ab', 'cd', 'end'])
  })

  it.each([
    ['longer than the limit', 'truncated', (body: Body) => body.push(Buffer.from('abcde'))],
    ['that stalls', 'stalled', (body: Body) => body.push(Buffer.from('a'))],
    ['that breaks off', 'failed', (body: Body) => body.fail(new ClawError('CP_PROTOCOL', 'broken'))],
  ])('says of a body %s: %s', async (_name, expected, then) => {
    const body = new Body(null, null)
    const peeked = body.peek(4, stallMs)
    then(body)
    expect(await peeked).toBe(expected)
    if (expected === 'failed') expect(await body.peek(4, stallMs)).toBe('failed')
  })

  it('is not seen whole where all bodies together hold too much', async () => {
    const other = new Body(null, null)
    const share = Buffer.alloc(16 * 1024 * 1024)
    for (let count = 0; count < 8; count += 1) other.push(share)
    const body = new Body(null, null)
    const peeked = body.peek(100, stallMs)
    body.push(Buffer.from('a'))
    expect(await peeked).toBe('truncated')
    other.release()
    const next = new Body(1, null)
    const again = next.peek(100, stallMs)
    next.push(Buffer.from('a'))
    next.finish(null)
    expect(await again).toBe('whole')
  })

  it('tells a sink that it broke off, whether before or after it was there', () => {
    for (const isEarly of [true, false]) {
      const body = new Body(null, null)
      const to = sink()
      if (!isEarly) body.pipe(to)
      body.fail(new ClawError('CP_PROTOCOL', 'broken'))
      if (isEarly) body.pipe(to)
      body.push(Buffer.from('late'))
      body.finish(null)
      expect(to.log).toEqual(['abort broken'])
    }
  })
})
