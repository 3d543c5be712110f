import { binding } from './binding.ts'
import { op } from './protocol.ts'

/** An IP literal and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How a relayed flow went; bytes counted from the client's point of view. */
export interface RelayResult {
  readonly bytesUp: number
  readonly bytesDown: number
  readonly endedBy: 'peer' | 'upstream' | 'abort' | 'dial'
  readonly error: string | null
}

interface PeekLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly enough: (bytes: Uint8Array) => boolean
}

/** Something that came in from `from` and was meant for `to`. */
class Announced {
  readonly from: Address
  readonly to: Address
  /** Stable id of the tailnet node it came from; null: no tailnet. */
  readonly node: string | null
  /** Number the native part knows it by. */
  protected readonly id: number

  constructor(id: number, addresses: string) {
    this.id = id
    const [fromHost = '', fromPort = '', toHost = '', toPort = '', node = ''] = addresses.split(' ')
    this.from = { host: fromHost, port: Number(fromPort) }
    this.to = { host: toHost, port: Number(toPort) }
    this.node = node === '' ? null : node
  }
}

/** A TCP connection announced before its handshake is answered; see go/flow.go for its states. */
export class Flow extends Announced {
  /** Completes the handshake and yields what has arrived once `enough`, full, ended or late. The bytes stay queued. */
  async peek(limits: PeekLimits): Promise<Uint8Array> {
    const parts: Buffer[] = []
    binding().watchPeek(this.id, (bytes) => {
      parts.push(bytes)
      if (limits.enough(Buffer.concat(parts))) binding().send(op.peekDone, this.id)
    })
    try {
      await binding().request(op.peek, this.id, limits.maxBytes, limits.timeoutMs, '')
    } finally {
      binding().forgetPeek(this.id)
    }
    return Buffer.concat(parts)
  }

  /** A stream socket that carries the flow; the caller owns the descriptor. */
  async take(): Promise<number> {
    return (await binding().request(op.take, this.id, 0, 0, '')).value
  }

  /** Dials `to` first, then copies both ways natively; resolves when both directions have ended. */
  async relay(to: Address, timeoutMs: number): Promise<RelayResult> {
    return parseRelay((await binding().request(op.relay, this.id, timeoutMs, 0, joinAddress(to))).text)
  }

  refuse(): void {
    binding().send(op.refuse, this.id)
  }

  abort(): void {
    binding().send(op.abort, this.id)
  }
}

/** The datagrams of one UDP 5-tuple. */
export class Datagrams extends Announced {
  async relay(to: Address, idleMs: number): Promise<RelayResult> {
    return parseRelay((await binding().request(op.relayDatagrams, this.id, idleMs, 0, joinAddress(to))).text)
  }

  /** The client's next datagram is answered with "port unreachable". */
  drop(): void {
    binding().send(op.dropDatagrams, this.id)
  }

  abort(): void {
    binding().send(op.abortDatagrams, this.id)
  }
}

/** One DNS message from a client. */
export class Query extends Announced {
  readonly payload: Uint8Array

  constructor(id: number, addresses: string, payload: Uint8Array) {
    super(id, addresses)
    this.payload = payload
  }

  reply(payload: Uint8Array): void {
    binding().send(op.reply, this.id, 0, Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength))
  }
}

/** "host port" as the native part reads it. */
export function joinAddress(address: Address): string {
  return `${address.host} ${address.port}`
}

function parseRelay(text: string): RelayResult {
  const [up = '0', down = '0', side = 'abort', ...cause] = text.split(' ')
  const endedBy = side === 'peer' || side === 'upstream' || side === 'dial' ? side : 'abort'
  return { bytesUp: Number(up), bytesDown: Number(down), endedBy, error: cause.join(' ').trim() || null }
}
