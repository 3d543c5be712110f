import { dateText, timestampText } from './date-text.ts'
import { floatText, numericText } from './number-text.ts'

/** Writes binary values as the server would; null: it is none of that type. Bytes of text are decoded by the caller. */
type Writer = (bytes: Buffer) => string | null

/** Types of text by their numbers in pg_type: text, varchar, bpchar, name, json and unknown. */
const texts: ReadonlySet<number> = new Set([25, 1043, 1042, 19, 114, 705])
const jsonb = 3802

const writers: { readonly [type: number]: Writer } = {
  // bool, bytea
  16: sized(1, (bytes) => (bytes[0] === 0 ? 'f' : 't')),
  17: (bytes) => `\\x${bytes.toString('hex')}`,
  // int8, int2, int4, oid
  20: sized(8, (bytes) => String(bytes.readBigInt64BE())),
  21: sized(2, (bytes) => String(bytes.readInt16BE())),
  23: sized(4, (bytes) => String(bytes.readInt32BE())),
  26: sized(4, (bytes) => String(bytes.readUInt32BE())),
  // float4, float8, numeric
  700: sized(4, (bytes) => floatText(bytes.readFloatBE(), 4)),
  701: sized(8, (bytes) => floatText(bytes.readDoubleBE(), 8)),
  1700: numericText,
  // date, timestamp, timestamptz
  1082: sized(4, (bytes) => dateText(bytes.readInt32BE())),
  1114: sized(8, (bytes) => timestampText(bytes.readBigInt64BE(), '')),
  1184: sized(8, (bytes) => timestampText(bytes.readBigInt64BE(), '+00')),
  // uuid
  2950: sized(16, (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')),
}

/**
 * A parameter in binary form as the server would print it, with ISO dates and in UTC.
 * @param type its number in pg_type; 0: not known
 * @param textOf decodes text of the session; null: it cannot be told
 * @returns null where that is not known of the type, or the bytes are none of it
 */
export function binaryText(type: number, bytes: Buffer, textOf: (bytes: Buffer) => string | null): string | null {
  if (texts.has(type)) return textOf(bytes)
  // a version, 1, stands before the text
  if (type === jsonb) return bytes[0] === 1 ? textOf(bytes.subarray(1)) : null
  return Object.hasOwn(writers, type) ? (writers[type]?.(bytes) ?? null) : null
}

const oid = 26
/** Types of whole numbers: int8, int2, int4, oid. */
const wholes: ReadonlySet<number> = new Set([20, 21, 23, oid])

/**
 * A parameter in textual form: a whole number as the server would print it, where its type is known, anything else as it
 * is; null: a number written in another way.
 */
export function plainText(type: number, text: string | null): string | null {
  if (text === null || !wholes.has(type)) return text
  const [, sign = '', digits] = /^[ \t\n\r\f\v]*([+-]?)0*(\d{1,20})[ \t\n\r\f\v]*$/.exec(text) ?? []
  if (digits === undefined) return null
  if (sign !== '-' || digits === '0') return digits
  // the server counts them down from 2^32
  return type === oid ? null : `-${digits}`
}

function sized(size: number, write: (bytes: Buffer) => string): Writer {
  return (bytes) => (bytes.length === size ? write(bytes) : null)
}
