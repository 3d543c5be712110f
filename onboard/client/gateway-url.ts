import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'

/** A gateway's URL as people give it, taken apart. */
export interface GatewayUrl {
  /** Without path, without a slash at its end. */
  readonly origin: string
  readonly isTls: boolean
  readonly host: string
}

/** Reads the URL of `clawpatrol join`. @throws ClawError CP_ONBOARD saying what to type instead */
export function parseGatewayUrl(text: string): GatewayUrl {
  const wrong = (why: string, hint: string) =>
    new ClawError('CP_ONBOARD', `Cannot use ${JSON.stringify(text)} as a gateway URL: ${why}`, { hint })
  const example = 'clawpatrol join https://gateway.example:8080'
  if (/^[A-Za-z0-9.-]+(:\d+)?$/.test(text)) {
    const name = text.includes(':') ? text : `${text}:8080`
    throw wrong('it has no scheme', `clawpatrol join https://${name}`)
  }
  if (!URL.canParse(text)) throw wrong('it is no URL', example)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('only http and https will do', example)
  if (url.username !== '' || url.password !== '') throw wrong('it has a user name or password in it', example)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw wrong('it has a path', `clawpatrol join ${url.origin}`)
  return { origin: url.origin, isTls: url.protocol === 'https:', host: url.hostname.replace(/^\[|\]$/g, '') }
}

/**
 * Whether every address of a host is on this machine or in a private network,
 * so that plain HTTP to it does not cross the internet.
 */
export async function isNearby(host: string): Promise<boolean> {
  const addresses = isIP(host) === 0 ? await addressesOf(host) : [host]
  return (
    addresses.length > 0 && addresses.every((address) => nearby.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
  )
}

const nearby = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const)
  nearby.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  nearby.addSubnet(network, bits, 'ipv6')

/** Every address of a host name. @throws ClawError CP_ONBOARD when it has none, or nobody says in 10 s */
export async function addressesOf(host: string): Promise<readonly string[]> {
  const deadline = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in 10 s')), 10_000)
    timer.unref()
  })
  try {
    const found = await Promise.race([lookup(host, { all: true }), deadline])
    return found.map(({ address }) => address)
  } catch (error) {
    throw new ClawError('CP_ONBOARD', `Cannot find the gateway ${JSON.stringify(host)}: no such host`, { cause: error })
  }
}
