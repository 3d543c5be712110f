import { ByteSink } from './byte-sink.ts'
import { ClientDecoder, type ClientPacket } from './client-packets.ts'
import type { Held, PacketDecoder } from './packet-decoder.ts'
import { ServerDecoder, type ServerPacket } from './server-packets.ts'

/** What came out of a decoder. */
export interface Decoded<P> {
  readonly packets: P[]
  readonly columns: string[]
  /** All bytes it passed on. */
  readonly passed: Buffer
}

/** Everything a decoder gives out when it is fed these chunks; `met` is told each packet as it comes. */
export function drain<P extends Held>(
  decoder: PacketDecoder<P>,
  chunks: readonly Buffer[],
  met: (packet: P) => void = () => {},
): Pick<Decoded<P>, 'packets' | 'passed'> {
  const packets: P[] = []
  const passed: Buffer[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (;;) {
      const rest = decoder.rest()
      if (rest !== null) passed.push(rest)
      if (decoder.isInside && rest === null) break
      const packet = decoder.next()
      if (packet === null && rest === null) break
      if (packet === null) continue
      packets.push(packet)
      passed.push(packet.held)
      met(packet)
    }
  }
  return { packets, passed: Buffer.concat(passed) }
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

/** What a server says; its blocks are compressed or not throughout. */
export function decodeServer(chunks: readonly Buffer[], told: number, isCompressed: boolean): Decoded<ServerPacket> {
  const columns: string[] = []
  const decoder = new ServerDecoder(told, (_, { name, type }) => columns.push(`${name} ${type}`))
  decoder.isCompressed = isCompressed
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
