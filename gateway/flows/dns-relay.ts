import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Address } from '../../workers/contract/ids.ts'
import { type DnsQuery, recordType, skipName } from './dns-message.ts'

/** How long a server may take, ms. */
const deadlineMs = 3000

/** The answer section of another server's answer. */
export interface RelayedAnswer {
  readonly code: number
  readonly isTruncated: boolean
  readonly answers: number
  /** Records as they stood, names in them still pointing into the same question. */
  readonly bytes: Uint8Array
}

/**
 * Asks a server the same question and returns what it answered to it, without its other sections.
 * The port is random and so is the id, and the question must come back as it was, so that nobody can guess an answer in.
 * @returns null when there was no answer in time
 */
export function askServer(query: DnsQuery, server: Address): Promise<RelayedAnswer | null> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const socket = createSocket(isIP(server.host) === 6 ? 'udp6' : 'udp4')
    const finish = (answer: RelayedAnswer | null) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(finish, deadlineMs, null)
    socket.once('error', () => finish(null))
    socket.on('message', (message) => {
      const answer = readAnswer(message, id, query)
      if (answer !== null) finish(answer)
    })
    // connected: datagrams of others do not arrive
    socket.connect(server.port, server.host, () => {
      socket.send(writeQuestion(id, query), (error) => {
        if (error !== null) finish(null)
      })
    })
  })
}

/**
 * Reads the answer section. Pure; never throws.
 * @returns null when the message is no answer to this question
 */
export function readAnswer(bytes: Uint8Array, id: number, query: DnsQuery): RelayedAnswer | null {
  const begin = 12 + query.question.length
  if (bytes.length < begin) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint16(2)
  const isOurs = view.getUint16(0) === id && (flags & 0x8000) !== 0 && view.getUint16(4) === 1
  if (!isOurs || Buffer.compare(bytes.subarray(12, begin), query.question) !== 0) return null
  let offset = begin
  const answers = view.getUint16(6)
  for (let index = 0; index < answers; index += 1) {
    const end = skipName(bytes, offset)
    if (end === null || end + 10 > bytes.length) return null
    offset = end + 10 + view.getUint16(end + 8)
    if (offset > bytes.length || !isRelayed(view.getUint16(end))) return null
  }
  return { code: flags & 15, isTruncated: (flags & 0x0200) !== 0, answers, bytes: bytes.slice(begin, offset) }
}

/** Addresses and service bindings never come this way: they would not have been looked at. */
function isRelayed(type: number): boolean {
  const { a, aaaa, svcb, https, opt } = recordType
  return ![a, aaaa, svcb, https, opt].includes(type)
}

function writeQuestion(id: number, query: DnsQuery): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(0x0100, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(1, 10)
  const opt = Buffer.alloc(11)
  opt.writeUInt16BE(recordType.opt, 1)
  opt.writeUInt16BE(1232, 3)
  return Buffer.concat([head, query.question, opt])
}
