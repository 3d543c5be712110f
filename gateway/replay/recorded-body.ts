import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import type { DescribedHttp } from '../../workers/contract/described.ts'

/** Longest decoded body, bytes: a sample is short, what it expands to may not be. */
const maxOutputLength = 16 * 1024 * 1024

/** A recorded body as descriptions give it: without its content coding. null: the coding cannot be taken off. */
export function decodedBody(
  sample: Buffer,
  headers: NonNullable<DescribedHttp['headers']>,
): Pick<DescribedHttp, 'body' | 'body_b64'> | null {
  const codings = (headers['Content-Encoding'] ?? [])
    .join(',')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  let bytes = sample
  // the last one was put on last
  for (const coding of codings.reverse()) {
    const plain = withoutCoding(coding, bytes)
    if (plain === null) return null
    bytes = plain
  }
  const text = asText(bytes, headers['Content-Type'] ?? [])
  return text === null ? { body_b64: bytes.toString('base64') } : { body: text }
}

function withoutCoding(coding: string, bytes: Buffer): Buffer | null {
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, { maxOutputLength })
      case 'deflate':
        return ((bytes[0] ?? 0) & 0x0f) === 8
          ? inflateSync(bytes, { maxOutputLength })
          : inflateRawSync(bytes, { maxOutputLength })
      case 'br':
        return brotliDecompressSync(bytes, { maxOutputLength })
      default:
        return null
    }
  } catch {
    return null
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** null: it is no UTF-8, or may be none; readers have to look at the bytes. */
function asText(bytes: Buffer, contentTypes: readonly string[]): string | null {
  const charset = /charset="?([^";\s]+)/i.exec(contentTypes[0] ?? '')?.[1]
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) return null
  if (bytes.includes(0)) return null
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
