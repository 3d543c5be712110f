import { ClawError } from '../../contract/errors.ts'
import { binarySetting } from './binary-settings.ts'
import type { ByteSink } from './byte-sink.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { since } from './revisions.ts'

/** A setting or parameter that is given beside a statement's text. */
export interface Setting {
  readonly name: string
  /** 1: the server must know it, 2: it is the user's own. 0 where the revision has none. */
  readonly flags: number
  /** As it is written. */
  readonly value: string
}

const longestName = 1024
const longestValue = 1 << 20
/** All names and values of one list, bytes. */
const longestList = 4 << 20
const mostSettings = 10_000

/**
 * Reads settings up to the empty name that ends them.
 * @throws ClawError CP_PROTOCOL where a value cannot be told apart from what follows it
 */
export function* readSettings(source: ByteSource, revision: number): Reading<readonly Setting[]> {
  const settings: Setting[] = []
  let bytes = 0
  for (;;) {
    const name = yield* source.text(longestName, 'the name of a setting')
    if (name === '') return settings
    const flags = revision >= since.settingsAsText ? yield* source.varintUpTo(255, 'the flags of a setting') : 0
    const value = revision >= since.settingsAsText ? yield* text(source) : yield* binary(source, name)
    settings.push({ name, flags, value })
    bytes += name.length + value.length
    if (settings.length > mostSettings || bytes > longestList)
      throw new ClawError('CP_LIMIT', 'Cannot read the ClickHouse packet: it has too many settings')
  }
}

/** Writes a setting as `readSettings` reads it. */
export function writeSetting(sink: ByteSink, { name, flags, value }: Setting, revision: number): void {
  sink.text(name)
  const kind = revision >= since.settingsAsText ? null : binarySetting(name)
  if (kind === null) sink.varint(flags).text(value)
  else if (kind === 'text') sink.text(value)
  else sink.varint(kind === 'signed' ? folded(BigInt(value)) : BigInt(value))
}

function* text(source: ByteSource): Reading<string> {
  return yield* source.text(longestValue, 'the value of a setting')
}

function* binary(source: ByteSource, name: string): Reading<string> {
  const kind = binarySetting(name)
  switch (kind) {
    case 'text':
      return yield* text(source)
    case 'number':
      return String(yield* exactly(source))
    case 'signed':
      return String(unfolded(yield* exactly(source)))
    case null:
      throw malformed(`how the setting "${name.slice(0, 64)}" is written at this revision is not known`)
    default:
      return kind satisfies never
  }
}

/** A number of variable length, all 63 bits of it. */
function* exactly(source: ByteSource): Reading<bigint> {
  let value = 0n
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const byte = yield* source.byte()
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  throw malformed('a number is longer than 9 bytes')
}

function unfolded(value: bigint): bigint {
  return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)
}

function folded(value: bigint): bigint {
  return value < 0n ? -value * 2n - 1n : value * 2n
}
