import { createSocket } from 'node:dgram'
import { decode, encode, type Packet } from 'dns-packet'

/** A DNS server of the test's own on 127.0.0.1. */
export interface NameServer extends AsyncDisposable {
  readonly port: number
  /** Names it was asked for, in order. */
  readonly asked: string[]
}

/** Answers A queries from a table; a list of lists is gone through, one answer after the other. */
export async function startNameServer(table: {
  readonly [name: string]: readonly (readonly string[])[]
}): Promise<NameServer> {
  const asked: string[] = []
  const given = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const query = decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return
    const { name, type } = question
    asked.push(name)
    const turns = table[name.toLowerCase()]
    const turn = given.get(`${type} ${name}`) ?? 0
    given.set(`${type} ${name}`, turn + 1)
    const addresses = type === 'A' ? (turns?.[Math.min(turn, turns.length - 1)] ?? []) : []
    const answer: Packet = {
      type: 'response',
      ...(query.id === undefined ? {} : { id: query.id }),
      // NXDOMAIN, and recursion as asked
      flags: (turns === undefined ? 3 : 0) | (1 << 7) | (1 << 8),
      questions: [question],
      answers: addresses.map((data) => ({ type: 'A', name, ttl: 0, data })),
    }
    socket.send(encode(answer), from.port, from.address)
  })
  const port = await new Promise<number>((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket.address().port))
  })
  return {
    port,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
