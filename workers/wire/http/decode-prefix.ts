import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { decodeLz4Frame } from '../lz4-frame.ts'
import { decodeZstdPrefix } from '../zstd/decode-zstd.ts'

/**
 * Takes a content coding off the begin of a body, as far as that goes; null: it is not in that coding, or not read here.
 * @param maxBytes about how much is wanted
 */
export async function decodePrefix(bytes: Buffer, coding: string, maxBytes: number): Promise<Buffer | null> {
  switch (coding) {
    case 'gzip':
      return await begin(zlib.createGunzip(), bytes, maxBytes)
    case 'deflate':
      return await begin(zlib.createInflate(), bytes, maxBytes)
    case 'br':
      return await begin(zlib.createBrotliDecompress(), bytes, maxBytes)
    case 'zstd':
      return await decodeZstdPrefix(bytes, maxBytes)
    case 'lz4':
      return decodeLz4Frame(bytes, maxBytes)?.bytes ?? null
    default:
      return null
  }
}

function begin(decoder: Transform, bytes: Buffer, maxBytes: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    const settle = (isRead: boolean) => {
      decoder.destroy()
      resolve(isRead ? Buffer.concat(chunks).subarray(0, maxBytes) : null)
    }
    decoder.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= maxBytes) settle(true)
    })
    decoder.on('error', () => settle(false))
    decoder.write(bytes, () => settle(true))
  })
}
