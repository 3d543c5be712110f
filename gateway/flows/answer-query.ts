import ipaddr from 'ipaddr.js'
import type { Peer } from '../../workers/contract/flow.ts'
import type { Address, EpochMs, FlowId } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { DispatchParts } from './dispatch-ports.ts'
import { type DnsAnswer, type DnsQuery, rcode, recordType } from './dns-message.ts'
import { askServer } from './dns-relay.ts'
import type { Unclaimed } from './flow-record.ts'
import type { ProfileView } from './identify.ts'

/** Who asks: his profile decides what he is told. */
export interface Asker {
  readonly peer: Peer
  readonly view: ProfileView
  /** Where the query was sent. */
  readonly server: Address
}

const ttlS = 30
const internet = 1
/** Extended errors of RFC 8914. */
const extended = { blocked: 15, filtered: 17 } as const
const empty: DnsAnswer = { code: rcode.noError, records: [], negative: true }
const noName: DnsAnswer = { code: rcode.nxDomain, records: [], negative: true }
const failure: DnsAnswer = { code: rcode.servFail, records: [] }
const refusal: DnsAnswer = { code: rcode.refused, records: [] }

/**
 * Answers a query of an agent. Names of its profile have virtual addresses and nothing else; other names are looked up
 * by the gateway, once that is on record, and only where the profile lets unknown hosts through.
 */
export async function answerQuery(parts: DispatchParts, asker: Asker, query: DnsQuery): Promise<DnsAnswer> {
  const { names } = parts.ports
  const { index, profile } = asker.view
  const { name, type } = query
  if (query.edns !== null && query.edns.version !== 0) return { code: rcode.badVers, records: [] }
  const { opt, any, axfr, ixfr } = recordType
  if (query.class !== internet || [opt, any, axfr, ixfr].includes(type)) return refusal
  if (name === 'localhost' || name.endsWith('.localhost')) return addresses(type, '127.0.0.1', '::1')
  if (index.owners(name).length > 0) {
    if (!isAddressType(type)) return { ...empty, authoritative: true }
    // escaped characters: no host has such a name
    const virtual = name.includes('\\') ? null : names.addressOf(name)
    return virtual === null ? failure : addresses(type, virtual.v4, virtual.v6)
  }
  if (isVirtualReverse(name)) return noName
  const what = recordOf(asker, query)
  if (profile.unknownHost !== 'splice') {
    parts.record.refused(what, 'no endpoint claims the name')
    return { ...noName, extendedError: { code: extended.blocked, text: 'no endpoint claims the name' } }
  }
  // no hints about HTTP/3 and no encrypted ClientHello
  if (type === recordType.https || type === recordType.svcb) return empty
  if (name.includes('\\') || (name === '' && isAddressType(type))) return noName
  const end = await parts.record.admit(what)
  if (end === null) return failure
  const answer = await (isAddressType(type) ? resolve(parts, query) : relay(parts, query))
  const error = answer.extendedError?.text ?? null
  end({ status: statusOf(answer), error, bytesUp: 0, bytesDown: 0 })
  return answer
}

async function resolve({ ports }: DispatchParts, { name, type }: DnsQuery): Promise<DnsAnswer> {
  const found = await ports.resolver.resolve(name, type === recordType.a ? 4 : 6)
  switch (found.kind) {
    case 'no_data':
      return empty
    case 'no_name':
      return noName
    case 'failed':
      return failure
    case 'found': {
      // rebinding: a public name must not lead an agent to this machine
      const harmless = found.addresses.filter((address) => ports.policy.configured(address) === null)
      if (harmless.length > 0) return { code: rcode.noError, records: harmless.map((each) => record(type, each)) }
      return { ...empty, extendedError: { code: extended.filtered, text: 'its addresses are of no use to agents' } }
    }
    default:
      return found satisfies never
  }
}

async function relay({ ports }: DispatchParts, query: DnsQuery): Promise<DnsAnswer> {
  const { server } = ports.resolver
  const answer = server === null ? null : await askServer(query, server)
  if (answer === null) return failure
  const { code, isTruncated } = answer
  switch (code) {
    case rcode.noError:
      if (answer.answers === 0 && !isTruncated) return empty
      return { code, records: [], relayed: answer }
    case rcode.nxDomain:
      return noName
    default:
      return failure
  }
}

function addresses(type: number, v4: string, v6: string): DnsAnswer {
  if (!isAddressType(type)) return { ...empty, authoritative: true }
  const records = [record(type, type === recordType.a ? v4 : v6)]
  return { code: rcode.noError, records, authoritative: true }
}

function record(type: number, address: string): DnsAnswer['records'][number] {
  return { type, ttlS, data: Uint8Array.from(ipaddr.parse(address).toByteArray()) }
}

function isAddressType(type: number): boolean {
  return type === recordType.a || type === recordType.aaaa
}

/** Names of addresses that exist only in the tunnel: nobody outside can know them. */
function isVirtualReverse(name: string): boolean {
  return /(^|\.)78\.10\.in-addr\.arpa$/.test(name) || /(^|\.)8\.7\.d\.f\.ip6\.arpa$/.test(name)
}

function recordOf({ peer, view, server }: Asker, { name, type }: DnsQuery): Unclaimed {
  const word = wordFor(type)
  const flow = {
    id: newId() as FlowId,
    openedAt: Date.now() as EpochMs,
    peer,
    profile: view.profile.name,
    target: server,
    targetName: name === '' ? null : name,
  }
  return { flow, protocol: 'dns', title: `DNS ${word} ${name === '' ? '.' : name}`, facts: { name, type: word } }
}

function wordFor(type: number): string {
  const known = Object.entries(recordType).find(([, number]) => number === type)
  return known === undefined ? `TYPE${type}` : known[0].toUpperCase()
}

function statusOf({ code }: DnsAnswer): string {
  const known = Object.entries(rcode).find(([, number]) => number === code)
  return known === undefined ? String(code) : known[0].toUpperCase()
}
