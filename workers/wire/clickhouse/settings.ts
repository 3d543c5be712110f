import { ClawError } from '../../contract/errors.ts'
import { binarySetting } from './binary-settings.ts'
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

function* text(source: ByteSource): Reading<string> {
  return yield* source.text(longestValue, 'the value of a setting')
}

function* binary(source: ByteSource, name: string): Reading<string> {
  const kind = binarySetting(name)
  switch (kind) {
    case 'text':
      return yield* text(source)
    case 'number':
      return String(yield* source.varint())
    case 'signed': {
      const value = yield* source.varint()
      return String(value % 2 === 0 ? value / 2 : -(value + 1) / 2)
    }
    case null:
      throw malformed(`how the setting "${name.slice(0, 64)}" is written at this revision is not known`)
    default:
      return kind satisfies never
  }
}
