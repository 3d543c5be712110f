/** Codes this gateway answers with. */
export const rcode = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const
export type Rcode = (typeof rcode)[keyof typeof rcode]

/** Record types that are treated in a way of their own. */
export const recordType = {
  a: 1,
  soa: 6,
  ptr: 12,
  aaaa: 28,
  opt: 41,
  svcb: 64,
  https: 65,
  ixfr: 251,
  axfr: 252,
  any: 255,
}

/** A query for one name, taken apart. */
export interface DnsQuery {
  readonly id: number
  readonly recursionDesired: boolean
  /** Lower case, without the trailing dot; bytes that are no host name characters as `\ddd`. The root is ''. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** The question as it stood in the query: repeated as it is, since clients compare its case. */
  readonly question: Uint8Array
  /** Length of the first label, bytes: where the parent's name begins in the question. */
  readonly firstLabel: number
  /** What the client said in EDNS; null: it does not know it. */
  readonly edns: { readonly udpSize: number; readonly version: number; readonly dnssecOk: boolean } | null
}

/** What became of a datagram. */
export type DnsParse =
  | { readonly kind: 'query'; readonly query: DnsQuery }
  /** Answer with this code alone. */
  | { readonly kind: 'error'; readonly id: number; readonly code: Rcode }
  /** Not a query: say nothing. */
  | { readonly kind: 'drop' }

/** One record of an answer; its owner is the name asked for. */
export interface DnsRecord {
  readonly type: number
  readonly ttlS: number
  readonly data: Uint8Array
}

/** An answer before it is written. */
export interface DnsAnswer {
  readonly code: Rcode
  readonly records: readonly DnsRecord[]
  /** Records of another server's answer to the same question, as they stood. */
  readonly relayed?: { readonly answers: number; readonly isTruncated: boolean; readonly bytes: Uint8Array }
  /** The name is ours to answer for. */
  readonly authoritative?: boolean
  /** Adds the start of authority that tells how long a negative answer holds. */
  readonly negative?: boolean
  /** Extended error, RFC 8914, for clients that know EDNS. */
  readonly extendedError?: { readonly code: number; readonly text: string }
}

const headerBytes = 12
/** What we say we can take, and the most we put in one datagram: fits every path without fragments. */
export const maxUdpBytes = 1232
const negativeTtlS = 30

/** Reads a query. Never throws. */
export function parseQuery(bytes: Uint8Array): DnsParse {
  if (bytes.length < headerBytes) return { kind: 'drop' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const id = view.getUint16(0)
  const flags = view.getUint16(2)
  if ((flags & 0x8000) !== 0) return { kind: 'drop' }
  if (((flags >> 11) & 15) !== 0) return { kind: 'error', id, code: rcode.notImp }
  const malformed = { kind: 'error', id, code: rcode.formErr } as const
  if (view.getUint16(4) !== 1) return malformed
  const name = readName(bytes, headerBytes)
  if (name === null || name.end + 4 > bytes.length) return malformed
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10)
  const edns = findEdns(bytes, name.end + 4, records)
  if (edns === undefined) return malformed
  return {
    kind: 'query',
    query: {
      id,
      recursionDesired: (flags & 0x0100) !== 0,
      name: name.text,
      type: view.getUint16(name.end),
      class: view.getUint16(name.end + 2),
      question: bytes.slice(headerBytes, name.end + 4),
      firstLabel: name.firstLabel,
      edns,
    },
  }
}

/** Writes an answer; one that does not fit says so, and the client asks again over TCP. */
export function writeAnswer(query: DnsQuery, answer: DnsAnswer, maxBytes: number): Uint8Array {
  const { relayed } = answer
  const sections = [
    ...(relayed === undefined ? [] : [relayed.bytes]),
    ...answer.records.map((record) => writeRecord(Buffer.from([0xc0, headerBytes]), record, query.class)),
    ...(answer.negative === true ? [writeAuthority(query)] : []),
  ]
  const opt = query.edns === null ? [] : [writeOpt(answer)]
  const isCut = relayed?.isTruncated === true
  const whole = Buffer.concat([header(query, answer, isCut), query.question, ...sections, ...opt])
  if (whole.length <= maxBytes) return whole
  const { code } = answer
  return Buffer.concat([header(query, { code, records: [] }, true), query.question, ...opt])
}

/** An answer that is nothing but a code, for what could not be read as a query. */
export function writeError(id: number, code: Rcode): Uint8Array {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(0x8000 | (code & 15), 2)
  return bytes
}

/** How much may be sent back over UDP: what the client can take, and no fragments. */
export function udpLimit({ edns }: DnsQuery): number {
  return edns === null ? 512 : Math.min(maxUdpBytes, Math.max(512, edns.udpSize))
}

/**
 * Where a name ends.
 * @returns null when it runs over the end or is no name
 */
export function skipName(bytes: Uint8Array, at: number): number | null {
  let offset = at
  for (;;) {
    const length = bytes[offset]
    if (length === undefined) return null
    if ((length & 0xc0) === 0xc0) return offset + 2 <= bytes.length ? offset + 2 : null
    if (length > 63) return null
    offset += 1 + length
    if (length === 0) return offset
  }
}

function readName(bytes: Uint8Array, at: number): { text: string; end: number; firstLabel: number } | null {
  const labels: string[] = []
  let offset = at
  for (;;) {
    const length = bytes[offset]
    // a question has nothing before it that a pointer could lead to
    if (length === undefined || length > 63 || offset - at > 254) return null
    offset += 1
    if (length === 0) break
    if (offset + length > bytes.length) return null
    labels.push(Array.from(bytes.subarray(offset, offset + length), character).join(''))
    offset += length
  }
  return { text: labels.join('.'), end: offset, firstLabel: bytes[at] ?? 0 }
}

function character(byte: number): string {
  const text = String.fromCharCode(byte).toLowerCase()
  return /^[a-z0-9_-]$/.test(text) ? text : `\\${String(byte).padStart(3, '0')}`
}

/** @returns undefined when the rest is malformed */
function findEdns(bytes: Uint8Array, at: number, records: number): DnsQuery['edns'] | undefined {
  let offset = at
  let found: DnsQuery['edns'] = null
  for (let index = 0; index < records; index += 1) {
    const end = skipName(bytes, offset)
    if (end === null || end + 10 > bytes.length) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset + end, 10)
    if (view.getUint16(0) === recordType.opt) {
      // RFC 6891 section 6.1.1: a second one is a format error
      if (found !== null) return undefined
      found = { udpSize: view.getUint16(2), version: view.getUint8(5), dnssecOk: (view.getUint16(6) & 0x8000) !== 0 }
    }
    offset = end + 10 + view.getUint16(8)
    if (offset > bytes.length) return undefined
  }
  return found
}

function header(query: DnsQuery, answer: DnsAnswer, isTruncated: boolean): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt16BE(query.id, 0)
  let flags = 0x8080 | (answer.code & 15)
  if (answer.authoritative === true) flags |= 0x0400
  if (isTruncated) flags |= 0x0200
  if (query.recursionDesired) flags |= 0x0100
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt16BE(1, 4)
  bytes.writeUInt16BE(answer.records.length + (answer.relayed?.answers ?? 0), 6)
  bytes.writeUInt16BE(answer.negative === true ? 1 : 0, 8)
  bytes.writeUInt16BE(query.edns === null ? 0 : 1, 10)
  return bytes
}

function writeRecord(owner: Buffer, { type, ttlS, data }: DnsRecord, dnsClass: number): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(dnsClass, 2)
  fixed.writeUInt32BE(ttlS, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, fixed, data])
}

/** A start of authority at the parent of the name, so that resolvers may remember the negative answer for a while. */
function writeAuthority(query: DnsQuery): Buffer {
  const parent = headerBytes + (query.firstLabel === 0 ? 0 : 1 + query.firstLabel)
  const name = Buffer.concat([label('clawpatrol'), label('invalid'), Buffer.from([0])])
  const numbers = Buffer.alloc(20)
  for (const [index, value] of [1, 3600, 600, 86_400, negativeTtlS].entries()) numbers.writeUInt32BE(value, index * 4)
  const data = Buffer.concat([name, name, numbers])
  const record = { type: recordType.soa, ttlS: negativeTtlS, data }
  return writeRecord(Buffer.from([0xc0 | (parent >> 8), parent & 0xff]), record, query.class)
}

function writeOpt({ code, extendedError }: DnsAnswer): Buffer {
  const text = Buffer.from(extendedError?.text ?? '')
  const option = extendedError === undefined ? Buffer.alloc(0) : Buffer.alloc(6 + text.length)
  if (extendedError !== undefined) {
    option.writeUInt16BE(15, 0)
    option.writeUInt16BE(2 + text.length, 2)
    option.writeUInt16BE(extendedError.code, 4)
    text.copy(option, 6)
  }
  const fixed = Buffer.alloc(11)
  fixed.writeUInt16BE(recordType.opt, 1)
  fixed.writeUInt16BE(maxUdpBytes, 3)
  fixed.writeUInt8(code >> 4, 5)
  fixed.writeUInt16BE(option.length, 9)
  return Buffer.concat([fixed, option])
}

function label(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}
