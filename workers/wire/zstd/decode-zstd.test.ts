import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeZstd } from './decode-zstd.ts'
import { blockOf, frameOf, samples, skippable, withDictionary } from './frames.fixture.ts'

const most = 1024 * 1024
const [letter, ...others] = samples
if (letter === undefined) throw new Error('no sample')

/** No checksum, no content size; windows of 1 KiB, 128 KiB and 8 MiB. */
const plain = { small: '0000', middle: '0038', large: '0068' }

const decoded = (text: Buffer | string) => ({ kind: 'bytes', text: Buffer.from(text).toString('latin1') })
const malformed = { kind: 'unknown', problem: 'malformed' }
const tooLong = { kind: 'unknown', problem: 'too-long' }

/** As text: long buffers are slow to compare. */
async function unzstd(bytes: Buffer, maxBytes: number) {
  const found = await decodeZstd(bytes, maxBytes)
  return found.kind === 'bytes' ? { kind: found.kind, text: found.bytes.toString('latin1') } : found
}

describe('decodeZstd()', () => {
  it.each(samples)('reads what the reference encoder wrote: $name', async ({ frame, text }) => {
    expect(await unzstd(frame, most)).toEqual(decoded(text))
    expect(await unzstd(frame, text.length)).toEqual(decoded(text))
  })

  it('reads nothing but one frame with content', async () => {
    const parts = [
      [letter.frame, letter.frame],
      [skippable('ab'), letter.frame],
      [letter.frame, skippable('')],
      [skippable('ab')],
    ]
    for (const frames of parts) expect(await unzstd(Buffer.concat(frames), most)).toEqual(malformed)
  })

  it.each([
    ['a raw block and a run', [blockOf('raw', '6162', { isLast: false }), blockOf('run', '63', { size: 3 })], 'abccc'],
    ['literals that are a run, each table one symbol', [blockOf('compressed', '1961025401020010')], 'aaaaaaaaa'],
    ['weights that are not packed', [blockOf('compressed', '42c00080101600')], '\0\x01\x01\0'],
    ['empty blocks', [blockOf('raw', '', { isLast: false }), blockOf('run', '61', { size: 0 })], ''],
  ])('reads %s', async (_, blocks, text) => {
    expect(await unzstd(frameOf(plain.small, ...blocks), most)).toEqual(decoded(text))
  })

  it('reads a dictionary id of zero as none', async () => {
    expect(await unzstd(frameOf('010000', blockOf('raw', '61')), most)).toEqual(decoded('a'))
  })

  it.each([
    ['nothing at all', ''],
    ['another magic number', '27b52ffd000001000061'],
    ['a reserved bit in the frame', frameOf('0800', blockOf('raw', '61')).toString('hex')],
    ['a dictionary', withDictionary.toString('hex')],
    ['a window no decoder has', frameOf('00b0', blockOf('raw', '61')).toString('hex')],
    ['a reserved block', frameOf(plain.small, blockOf('reserved', '61')).toString('hex')],
    ['a block longer than the window', frameOf(plain.small, blockOf('run', '61', { size: 1025 })).toString('hex')],
    ['a block over 128 KiB', frameOf(plain.large, blockOf('run', '61', { size: 131_073 })).toString('hex')],
    ['less content than it says', frameOf('2002', blockOf('raw', '61')).toString('hex')],
    [
      'more content than it says',
      frameOf('2002', blockOf('raw', '6162', { isLast: false }), blockOf('raw', '63')).toString('hex'),
    ],
    ['a checksum cut off', frameOf('0400', blockOf('raw', '61')).toString('hex')],
    ['a skippable frame cut off', skippable('abc').subarray(0, -1).toString('hex')],
    // each of them is one byte off what "reads" above
    ['a match before the beginning', frameOf(plain.small, blockOf('compressed', '1961025401020016')).toString('hex')],
    [
      'more literals taken than there are',
      frameOf(plain.small, blockOf('compressed', '0961025401020010')).toString('hex'),
    ],
    ['bits left over', frameOf(plain.small, blockOf('compressed', '1961025401020020')).toString('hex')],
    ['too few bits', frameOf(plain.small, blockOf('compressed', '1961025401020008')).toString('hex')],
    ['no end mark', frameOf(plain.small, blockOf('compressed', '1961025401020000')).toString('hex')],
    ['a table not given', frameOf(plain.small, blockOf('compressed', '196102fc10')).toString('hex')],
    ['a reserved mode', frameOf(plain.small, blockOf('compressed', '1961025501020010')).toString('hex')],
    ['a length code that is none', frameOf(plain.small, blockOf('compressed', '1961025424020010')).toString('hex')],
    ['literals in a code not given', frameOf(plain.small, blockOf('compressed', '4380001600')).toString('hex')],
    ['literals over the block', frameOf(plain.small, blockOf('compressed', `1d40${'61'}00`)).toString('hex')],
    ['bytes after no sequences', frameOf(plain.small, blockOf('compressed', '19610000')).toString('hex')],
    ['no sequences section', frameOf(plain.small, blockOf('compressed', '1961')).toString('hex')],
  ])('does not read %s', async (_, hex) => {
    expect(await unzstd(Buffer.from(hex, 'hex'), most)).toEqual(malformed)
  })

  it('does not reach back over the window, where decoders differ in what they find', async () => {
    const noise = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 255))
    // no literals; the offset code of 10 takes 10 bits: 1024 + bits - 3
    const back = (bits: number) =>
      blockOf(
        'compressed',
        `000154000a00${(1024 + bits).toString(16).padStart(4, '0').match(/../g)?.reverse().join('')}`,
      )
    const more = blockOf('raw', noise, { isLast: false })
    const whole = Buffer.concat([noise, noise])
    expect(await unzstd(frameOf(plain.small, more, more, back(3)), most)).toEqual(
      decoded(Buffer.concat([whole, noise.subarray(0, 3)])),
    )
    expect(await unzstd(frameOf(plain.small, more, more, back(4)), most)).toEqual(malformed)
  })

  it('does not read what is cut off anywhere', async () => {
    for (const { frame } of samples) {
      for (let end = 0; end < frame.length; end++)
        expect(await unzstd(frame.subarray(0, end), most), `${end} bytes`).toEqual(malformed)
    }
  })

  it('does not read what follows and is no frame', async () => {
    for (const { frame } of samples) {
      for (const more of ['\0', 'x', '&action=delete', '(\xb5/\xfd'])
        expect(await unzstd(Buffer.concat([frame, Buffer.from(more, 'latin1')]), most)).toEqual(malformed)
    }
  })
})

describe('a zstd bomb', () => {
  const million = Array.from({ length: 1000 }, () => blockOf('run', '00', { size: 131_072, isLast: false }))

  it('that says how large it is is not begun', async () => {
    expect(await unzstd(frameOf('e0ffffffffffffffff', blockOf('run', '00', { size: 131_072 })), most)).toEqual(tooLong)
    expect(await unzstd(frameOf('a000001040', blockOf('run', '00', { size: 131_072 })), most)).toEqual(tooLong)
  })

  it('that does not say ends at the limit, and takes no more memory than that', async () => {
    const bomb = frameOf(plain.large, ...million)
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 20; i++) expect(await unzstd(bomb, most)).toEqual(tooLong)
    // 20 outputs of 1 MiB, grown by doubling; the bombs are 2.5 GiB
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * most)
  })

  it('in one block ends at the limit', async () => {
    const zeros = others.find(({ name }) => name === 'a run')
    if (zeros === undefined) throw new Error('no such sample')
    expect(await unzstd(zeros.frame, zeros.text.length - 1)).toEqual(tooLong)
    expect(await unzstd(letter.frame, letter.text.length - 1)).toEqual(tooLong)
  })

  it('of many blocks ends at the limit', async () => {
    const run = (isLast: boolean) => blockOf('run', '00', { size: 131_072, isLast })
    const ofBlocks = (count: number) =>
      frameOf(plain.middle, ...Array.from({ length: count }, (_, i) => run(i === count - 1)))
    expect(await unzstd(ofBlocks(8), most)).toEqual(decoded(Buffer.alloc(most)))
    expect(await unzstd(ofBlocks(9), most)).toEqual(tooLong)
  })

  it('with a window of gigabytes allocates none of it', async () => {
    const before = process.memoryUsage().arrayBuffers
    expect(await unzstd(frameOf('00a8', blockOf('raw', '61')), most)).toEqual(decoded('a'))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(most)
  })

  it('of empty blocks lets other flows have their turn', async () => {
    const empty = blockOf('raw', '', { isLast: false })
    const many = frameOf(plain.large, Buffer.alloc(empty.length * 1_000_000), blockOf('raw', ''))
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    expect(await unzstd(many, most)).toEqual(decoded(''))
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
  })
})

describe('decodeZstd() of anything', () => {
  const sampleOf = fc.constantFrom(...samples)

  it('never throws and never says more than allowed, whatever bytes of a frame are changed', async () => {
    const change = fc.tuple(fc.nat(1000), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(sampleOf, fc.array(change, { minLength: 1, maxLength: 4 }), async ({ frame }, changes) => {
        const changed = Buffer.from(frame)
        for (const [at, byte] of changes) changed[at % changed.length] = byte
        const found = await unzstd(changed, 20_000)
        if ('text' in found) expect(found.text.length).toBeLessThanOrEqual(20_000)
      }),
      { numRuns: 3000 },
    )
  })

  it('never throws at random blocks', async () => {
    const block = fc.tuple(fc.constantFrom('raw', 'run', 'compressed'), fc.uint8Array({ minLength: 1, maxLength: 60 }))
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 4 }), async (blocks) => {
        const made = blocks.map(([kind, bytes]) => blockOf(kind, Buffer.from(bytes), { isLast: false }))
        const found = await unzstd(frameOf(plain.middle, ...made, blockOf('raw', '')), 20_000)
        if ('text' in found) expect(found.text.length).toBeLessThanOrEqual(20_000)
      }),
      { numRuns: 3000 },
    )
  })

  it('reads no random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        expect(await unzstd(Buffer.from(bytes), most)).toEqual(malformed)
      }),
      { numRuns: 500 },
    )
  })
})
