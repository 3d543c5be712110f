import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeBody } from './decode-body.ts'

const text = Buffer.from('{"action":"delete"}')
/** `zstd` 1.5.4 with checksum and content size. */
const zstd = Buffer.from('KLUv/SQTmQAAeyJhY3Rpb24iOiJkZWxldGUifZlS7Ns=', 'base64')
/** A block of 131072 zeros, 16 times. */
const bomb = Buffer.concat([
  Buffer.from('28b52ffd0068', 'hex'),
  ...Array.from({ length: 16 }, (_, i) => Buffer.from(i < 15 ? '02001000' : '03001000', 'hex')),
])

const bytes = { kind: 'bytes', bytes: text }
const undecodable = { kind: 'unknown', because: 'undecodable' }
const truncated = { kind: 'unknown', because: 'truncated' }

describe('decodeBody()', () => {
  it.each([
    ['gzip', gzipSync(text)],
    ['X-Gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['zstd', zstd],
    ['ZSTD', zstd],
    ['gzip, zstd', Buffer.from('KLUv/QRYOQEAH4sIAAAAAAACA6tWSkwuyczPU7JSSknNSS1JVaoFAFn7iH8TAAAAd8NCmQ==', 'base64')],
    ['zstd, gzip', gzipSync(zstd)],
    ['zstd, identity, br, gzip', gzipSync(brotliCompressSync(zstd))],
    ['identity', text],
  ])('takes off %s', async (coding, coded) => {
    expect(await decodeBody(coded, [coding], 1000)).toEqual(bytes)
    expect(await decodeBody(coded, coding.split(', '), 1000)).toEqual(bytes)
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(2 ** 21))],
    ['br', brotliCompressSync(Buffer.alloc(2 ** 21))],
    ['deflate', deflateSync(Buffer.alloc(2 ** 21))],
    ['zstd', bomb],
    ['zstd, gzip', gzipSync(bomb)],
  ])('does not know a bomb in %s', async (coding, coded) => {
    expect(await decodeBody(coded, [coding], 2 ** 20)).toEqual(truncated)
    const whole = await decodeBody(coded, [coding], 2 ** 21)
    expect(whole.kind === 'bytes' && whole.bytes.equals(Buffer.alloc(2 ** 21))).toBe(true)
  })

  it.each([
    ['zstd', text],
    ['zstd', Buffer.alloc(0)],
    ['zstd', zstd.subarray(0, -1)],
    ['zstd', Buffer.concat([zstd, Buffer.from('&action=read')])],
    ['zstd', gzipSync(zstd)],
    ['gzip, zstd', zstd],
    ['gzip', zstd],
    ['zstd, zstd, zstd, zstd', zstd],
    ['compress', text],
    ['constructor', text],
  ])('does not know what is not in %s', async (coding, coded) => {
    expect(await decodeBody(coded, [coding], 1000)).toEqual(undecodable)
  })
})
