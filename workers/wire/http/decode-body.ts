import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Unknown } from '../../contract/action.ts'
import { decodeLz4Frame } from '../lz4-frame.ts'
import { decodeZstd } from '../zstd/decode-zstd.ts'
import { listItems } from './header-list.ts'

/** A body without its content codings, or why it cannot be had. */
export type Decoded =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'unknown'; readonly because: Unknown['because'] }

type Decoder = (bytes: Buffer, maxBytes: number) => Promise<Decoded>

/** Codings nested deeper are not followed. */
const maxCodings = 3
const gunzip = byNode(zlib.gunzip)
const inflate = byNode(zlib.inflate)
const inflateRaw = byNode(zlib.inflateRaw)

const decoders: { readonly [coding: string]: Decoder } = {
  gzip: gunzip,
  'x-gzip': gunzip,
  br: byNode(zlib.brotliDecompress),
  // RFC 9110 8.4.1.2: the zlib format; some senders leave its wrapper out
  deflate: (bytes, maxBytes) =>
    ((bytes[0] ?? 0) & 0x0f) === 8 ? inflate(bytes, maxBytes) : inflateRaw(bytes, maxBytes),
  zstd,
  lz4,
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
    const decoded = await decode(plain, maxBytes)
    if (decoded.kind === 'unknown') return decoded
    plain = decoded.bytes
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

interface Unpacked {
  readonly buffer: Buffer
  /** What was read of the input. */
  readonly engine: { readonly bytesWritten: number }
}

type Unpack = (bytes: Buffer, options: { maxOutputLength: number; info: true }) => Promise<Unpacked>

function byNode(decompress: typeof zlib.gunzip | typeof zlib.brotliDecompress): Decoder {
  const unpack = promisify(decompress) as unknown as Unpack
  return async (bytes, maxBytes) => {
    try {
      const { buffer, engine } = await unpack(bytes, { maxOutputLength: maxBytes, info: true })
      // an upstream that does not care for codings would read what comes after the coded part
      if (engine.bytesWritten !== bytes.length) return { kind: 'unknown', because: 'undecodable' }
      return { kind: 'bytes', bytes: buffer }
    } catch (error) {
      const isTooLong = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      return { kind: 'unknown', because: isTooLong ? 'truncated' : 'undecodable' }
    }
  }
}

/** Not by node:zlib, which has zstd from 22.15 on only: a body means the same under every Node. */
async function zstd(bytes: Buffer, maxBytes: number): Promise<Decoded> {
  const decoded = await decodeZstd(bytes, maxBytes)
  if (decoded.kind === 'bytes') return decoded
  return { kind: 'unknown', because: decoded.problem === 'too-long' ? 'truncated' : 'undecodable' }
}

/** No coding of HTTP's own, but what ClickHouse and its clients speak. */
async function lz4(bytes: Buffer, maxBytes: number): Promise<Decoded> {
  const decoded = decodeLz4Frame(bytes, maxBytes)
  if (decoded?.isWhole === true) return { kind: 'bytes', bytes: decoded.bytes }
  return { kind: 'unknown', because: decoded?.isTooLong === true ? 'truncated' : 'undecodable' }
}
