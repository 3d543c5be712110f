import { ByteSink } from './byte-sink.ts'
import { ByteSource } from './byte-source.ts'
import { cityHash128 } from './city-hash.ts'
import { ClientDecoder, type ClientPacket } from './client-packets.ts'
import { readFrame } from './frame.ts'
import type { Held, PacketDecoder } from './packet-decoder.ts'
import { ServerDecoder, type ServerPacket } from './server-packets.ts'

/** What came out of a decoder. */
export interface Decoded<P> {
  readonly packets: P[]
  readonly columns: string[]
  /** All bytes it passed on. */
  readonly passed: Buffer
  /** The same by packet. */
  readonly parts: readonly Buffer[]
}

/** Everything a decoder gives out when it is fed these chunks; `met` is told each packet as it comes. */
export function drain<P extends Held>(
  decoder: PacketDecoder<P>,
  chunks: readonly Buffer[],
  met: (packet: P) => void = () => {},
): Omit<Decoded<P>, 'columns'> {
  const packets: P[] = []
  const pieces: Buffer[][] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (;;) {
      const rest = decoder.rest()
      if (rest !== null) pieces.at(-1)?.push(rest)
      if (decoder.isInside && rest === null) break
      const packet = decoder.next()
      if (packet === null && rest === null) break
      if (packet === null) continue
      packets.push(packet)
      pieces.push([packet.held])
      met(packet)
    }
  }
  const parts = pieces.map((each) => Buffer.concat(each))
  return { packets, parts, passed: Buffer.concat(parts) }
}

/** What a client says to a server of this revision. */
export function decodeClient(chunks: readonly Buffer[], revision: number): Decoded<ClientPacket> {
  const columns: string[] = []
  const decoder = new ClientDecoder()
  const decoded = drain(decoder, chunks, (packet) => {
    if (packet.kind === 'hello') decoder.begin(revision, ({ name, type }) => columns.push(`${name} ${type}`))
  })
  return { ...decoded, columns }
}

/** What a server says; its blocks are compressed or not throughout, and passed on so or not. */
export function decodeServer(
  chunks: readonly Buffer[],
  told: number,
  isCompressed: boolean,
  isFramed = isCompressed,
): Decoded<ServerPacket> {
  const columns: string[] = []
  const decoder = new ServerDecoder(told, (_, { name, type }) => columns.push(`${name} ${type}`))
  decoder.expect(isFramed, isCompressed)
  return { ...drain(decoder, chunks), columns }
}

/** Each byte by itself. */
export function byteByByte(bytes: Buffer): Buffer[] {
  return [...bytes].map((byte) => Buffer.from([byte]))
}

/** Packets in short: their kinds, and how large their blocks are. */
export function inShort(packets: readonly (ClientPacket | ServerPacket)[]): string[] {
  return packets.map((packet) =>
    'block' in packet ? `${packet.kind} ${packet.block.columns}x${packet.block.rows}` : packet.kind,
  )
}

/** How a block begins. */
export function blockStart(columns: number, rows: number): ByteSink {
  return new ByteSink().varint(1).byte(0).varint(2).int32(-1).varint(0).varint(columns).varint(rows)
}

/** A number of 8 bytes. */
export function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** A compressed frame with its checksum. */
export function frame(method: number, content: Buffer, plainLength: number): Buffer {
  const body = Buffer.concat([Buffer.from([method]), Buffer.alloc(8), content])
  body.writeUInt32LE(body.length, 1)
  body.writeUInt32LE(plainLength, 5)
  return Buffer.concat([cityHash128(body), body])
}

/** A frame that is not compressed. */
export function stored(plain: Buffer): Buffer {
  return frame(0x02, plain, plain.length)
}

/** What is in frames that follow each other. */
export function contentOf(frames: Buffer): Buffer {
  const source = new ByteSource()
  source.push(frames)
  const contents: Buffer[] = []
  while (source.advance()) {
    const result = readFrame(source, true).next()
    if (result.done !== true) throw new Error('a frame that is not whole')
    contents.push(result.value)
  }
  return Buffer.concat(contents)
}
