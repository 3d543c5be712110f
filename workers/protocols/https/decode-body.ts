import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Unknown } from '../../contract/action.ts'
import { listItems } from '../../wire/http/header-list.ts'

/** A body without its content codings, or why it cannot be had. */
export type Decoded =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'unknown'; readonly because: Unknown['because'] }

interface Unpacked {
  readonly buffer: Buffer
  /** What was read of the input. */
  readonly engine: { readonly bytesWritten: number }
}

type Decoder = (bytes: Buffer, options: { maxOutputLength: number; info: true }) => Promise<Unpacked>

/** Codings nested deeper are not followed. */
const maxCodings = 3
const inflate = promisify(zlib.inflate) as unknown as Decoder
const inflateRaw = promisify(zlib.inflateRaw) as unknown as Decoder

const decoders: { readonly [coding: string]: Decoder } = {
  gzip: promisify(zlib.gunzip) as unknown as Decoder,
  'x-gzip': promisify(zlib.gunzip) as unknown as Decoder,
  br: promisify(zlib.brotliDecompress) as unknown as Decoder,
  // RFC 9110 8.4.1.2: the zlib format; some senders leave its wrapper out
  deflate: (bytes, options) => (((bytes[0] ?? 0) & 0x0f) === 8 ? inflate(bytes, options) : inflateRaw(bytes, options)),
  ...zstd(),
}

/**
 * Takes content codings off a body.
 * @param codings values of Content-Encoding
 * @param maxBytes largest output, so that a small body cannot become a large one
 */
export async function decodeBody(bytes: Buffer, codings: readonly string[], maxBytes: number): Promise<Decoded> {
  const names = listItems(codings).filter((name) => name !== 'identity')
  if (names.length > maxCodings) return { kind: 'unknown', because: 'undecodable' }
  let plain = bytes
  for (const name of names.reverse()) {
    const decode = Object.hasOwn(decoders, name) ? decoders[name] : undefined
    if (decode === undefined) return { kind: 'unknown', because: 'undecodable' }
    try {
      const { buffer, engine } = await decode(plain, { maxOutputLength: maxBytes, info: true })
      // an upstream that does not care for codings would read what comes after the coded part
      if (engine.bytesWritten !== plain.length) return { kind: 'unknown', because: 'undecodable' }
      plain = buffer
    } catch (error) {
      const isTooLong = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      return { kind: 'unknown', because: isTooLong ? 'truncated' : 'undecodable' }
    }
  }
  return { kind: 'bytes', bytes: plain }
}

/** Text of a body; null for a character set that is not read here: a rule would look for words in other bytes. */
export function bodyText(bytes: Buffer, contentType: string | undefined): string | null {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  // UTF-16 that does not say so: some readers find out by themselves, and rules would look for other bytes
  if (bytes.includes(0) && /^$|json|text|xml|urlencoded/i.test(contentType ?? '')) return null
  if (/^(utf-?8|us-ascii|ascii)$/.test(charset)) return bytes.toString('utf8')
  if (/^(iso-8859-1|latin1|windows-1252)$/.test(charset)) return bytes.toString('latin1')
  return null
}

/** Node has zstd from 22.15 on; before it such a body is unknown. */
function zstd(): { readonly [coding: string]: Decoder } {
  const decompress = (zlib as { readonly zstdDecompress?: typeof zlib.gunzip }).zstdDecompress
  return decompress === undefined ? {} : { zstd: promisify(decompress) as unknown as Decoder }
}
