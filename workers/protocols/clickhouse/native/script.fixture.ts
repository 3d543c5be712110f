import net from 'node:net'
import { dialLocal, listen } from '../../../upstream/serving.fixture.ts'
import { ByteSink } from '../../../wire/clickhouse/byte-sink.ts'
import { ClientDecoder, type ClientPacket } from '../../../wire/clickhouse/client-packets.ts'
import { blockStart } from '../../../wire/clickhouse/decode.fixture.ts'
import { addendum, endOfStreamPacket, pongPacket } from '../../../wire/clickhouse/encode.ts'
import { exceptionPacket } from '../../../wire/clickhouse/exception.ts'
import { clientHello, serverHello } from '../../../wire/clickhouse/hello.ts'
import { newestRevision } from '../../../wire/clickhouse/revisions.ts'
import { framed } from '../../../wire/clickhouse/safe-frame.ts'
import { ServerDecoder, type ServerPacket } from '../../../wire/clickhouse/server-packets.ts'
import { PacketStream } from './packet-stream.ts'

/** A Query of the newest revision. */
export function query(text: string | Buffer, more: QueryParts = {}): Buffer {
  const { settings = {}, params = {}, secret = '', kind = 0, isCompressed = true } = more
  const sink = new ByteSink().varint(1).text('id').byte(kind)
  if (kind !== 0) {
    sink.text('boss').text('').text('').raw(Buffer.alloc(8)).byte(1).text('me').text('host').text('client')
    sink.varint(1).varint(1).varint(newestRevision).text('').varint(0).varint(1).byte(0).varint(0).varint(0).varint(0)
  }
  for (const [name, value] of Object.entries(settings)) sink.text(name).varint(0).text(value)
  sink
    .text('')
    .text(secret)
    .varint(2)
    .varint(isCompressed ? 1 : 0)
    .text(text)
  for (const [name, value] of Object.entries(params)) sink.text(name).varint(2).text(`'${value}'`)
  return sink.text('').whole()
}

/** What a Query has besides its text. */
export interface QueryParts {
  readonly settings?: { readonly [name: string]: string }
  readonly params?: { readonly [name: string]: string }
  readonly secret?: string
  /** 2: part of a query of another server. */
  readonly kind?: 0 | 1 | 2
  /** Whether blocks are compressed; true where nothing is said. */
  readonly isCompressed?: boolean
}

/** A Data packet, of a client or a server: one column of texts; without any, the block that ends a series. */
export function data(values: readonly string[] | null, code = 2, table = ''): Buffer {
  const packet = new ByteSink().varint(code).text(table)
  if (values === null) return packet.raw(framed(blockStart(0, 0).whole())).whole()
  const block = blockStart(1, values.length).text('x').text('String').byte(0)
  for (const value of values) block.text(value)
  return packet.raw(framed(block.whole())).whole()
}

/** The header of a result, or the sample of what is to be inserted. */
export const header = data([], 1)

/** What a server says to a text, once all blocks before the answer have come. */
export type Answers = (text: string) => readonly Buffer[] | 'insert' | 'close' | 'hang'

/** Answers by what a text says: `select 3 …` gives three rows, `insert …` takes blocks, `describe …` fails. */
export const usual: Answers = (text) => {
  const rows = /^select (\d+)/.exec(text)?.[1]
  if (text.startsWith('insert')) return 'insert'
  if (rows === undefined)
    return text.startsWith('describe') ? [exceptionPacket(60, 'no such table')] : [endOfStreamPacket()]
  const values = Array.from({ length: Number(rows) }, (_, row) => `row ${row}`)
  return [header, data(values, 1), endOfStreamPacket()]
}

/** A server that follows a script. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  /** What it was told, in short: texts of queries, blocks with their rows, other packets. */
  readonly heard: string[]
  /** Connections that were closed on it. */
  readonly closed: () => Promise<void>
}

/** Starts one that speaks the newest revision. */
export async function startScripted(answers: Answers = usual): Promise<ScriptedServer> {
  const heard: string[] = []
  const sockets = new Set<net.Socket>()
  let ended: () => void = () => undefined
  const closed = new Promise<void>((resolve) => {
    ended = resolve
  })
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => ended())
    serve(socket, answers, heard).catch(() => socket.destroy())
  })
  return {
    port: await listen(server),
    heard,
    closed: () => closed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serve(socket: net.Socket, answers: Answers, heard: string[]): Promise<void> {
  const decoder = new ClientDecoder()
  const packets = new PacketStream<ClientPacket, ClientDecoder>(socket, decoder)
  /** Answers due once the block comes that ends a series, the next first. */
  let due: (() => void)[] = []
  for (let packet = await nextOf(packets); packet !== null; packet = await nextOf(packets)) {
    switch (packet.kind) {
      case 'hello': {
        const { hello } = packet
        heard.push(`hello ${hello.user} ${hello.password} ${hello.database} ${hello.revision}`)
        socket.write(greeting(hello.revision))
        decoder.begin(newestRevision)
        break
      }
      case 'query': {
        const text = packet.query.text.toString().slice(0, 100)
        heard.push(text)
        due = [() => due.push(...answer(socket, answers(text)))]
        break
      }
      case 'data':
      case 'scalar':
        heard.push(`${packet.kind} ${packet.block.rows}`)
        if (packet.block.columns === 0) due.shift()?.()
        break
      case 'ping':
        heard.push('ping')
        socket.write(pongPacket())
        break
      case 'tablesStatus':
        heard.push('tablesStatus')
        socket.write(new ByteSink().varint(9).varint(0).whole())
        break
      case 'cancel':
        heard.push('cancel')
        socket.write(endOfStreamPacket())
        break
      default:
        heard.push(packet.kind)
    }
  }
}

/** Writes an answer; what is due when the inserted blocks have ended. */
function answer(socket: net.Socket, said: ReturnType<Answers>): (() => void)[] {
  if (said === 'close') socket.destroy()
  else if (said === 'insert') {
    socket.write(header)
    return [() => socket.write(endOfStreamPacket())]
  } else if (said !== 'hang') for (const bytes of said) socket.write(bytes)
  return []
}

function greeting(told: number): Buffer {
  const named = { name: 'ClickHouse', major: 25, minor: 1, patch: 3, timezone: 'UTC', displayName: 'test' }
  return serverHello({ ...named, revision: newestRevision + 20, passwordRules: [], nonce: Buffer.alloc(8, 7) }, told)
}

/** An agent that follows a script. */
export interface ScriptedAgent extends Disposable {
  write(bytes: Buffer): void
  /** The next packet in short; null: the connection is closed. */
  next(): Promise<string | null>
  /** Everything up to what ends an answer, in short. */
  answer(): Promise<readonly string[]>
  /** Rests of blocks that came, raw. */
  readonly socket: net.Socket
}

/** Connects to a gateway and says Hello. */
export async function startAgent(port: number, { isSilent = false } = {}): Promise<ScriptedAgent> {
  const socket = (await dialLocal(port)) as net.Socket
  socket.on('error', () => undefined)
  const packets = new PacketStream<ServerPacket, ServerDecoder>(socket, new ServerDecoder(newestRevision))
  packets.decoder.expect(true, true)
  if (!isSilent) socket.write(agentHello('agent'))
  const next = async () => {
    const packet = await nextOf(packets)
    return packet === null ? null : inWords(packet)
  }
  const agent: ScriptedAgent = {
    socket,
    write: (bytes) => void socket.write(bytes),
    next,
    async answer() {
      const all: string[] = []
      for (;;) {
        const said = await next()
        all.push(said ?? 'closed')
        if (said === null || /^(exception|endOfStream|pong|tablesStatus)/.test(said)) return all
      }
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
  if (!isSilent) {
    await next()
    socket.write(addendum(newestRevision, ''))
  }
  return agent
}

/** The Hello of an agent. */
export function agentHello(user: string, revision = newestRevision + 30, database = 'shop'): Buffer {
  const named = { name: 'agent', major: 25, minor: 1, database, password: Buffer.from('x') }
  return clientHello({ ...named, revision, user: Buffer.from(user) })
}

/** Packets as they come. */
interface Coming<P> {
  readonly decoder: { next(): P | null; rest(): Buffer | null; readonly isInside: boolean }
  more(): Promise<boolean>
}

/** The next packet, what is left of the last one read and dropped. */
async function nextOf<P>(packets: Coming<P>): Promise<P | null> {
  const { decoder } = packets
  for (;;) {
    const packet = decoder.next()
    if (packet !== null) return packet
    const wasInside = decoder.isInside
    if (decoder.rest() !== null || wasInside !== decoder.isInside) continue
    if (!(await packets.more())) return null
  }
}

function inWords(packet: ServerPacket): string {
  if (packet.kind === 'exception') return `exception ${packet.exception.code} ${packet.exception.message}`
  return 'block' in packet ? `${packet.kind} ${packet.block.rows}` : packet.kind
}
