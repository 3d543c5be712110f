import { BlockList, isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'
import type { GatewayUrl } from './gateway-url.ts'

/** Whether a host is what a tailnet calls its nodes: an address of its ranges, or a name of its domain. */
export function isTailnetShaped(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return /\.ts\.net\.?$/i.test(host)
  return ranges.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

const ranges = new BlockList()
ranges.addSubnet('100.64.0.0', 10, 'ipv4')
ranges.addSubnet('fd7a:115c:a1e0::', 48, 'ipv6')

/** A failure to reach such a host, with what gets to it from a machine outside its tailnet; others as they are. */
export function adviseLogin({ host, origin }: GatewayUrl, error: unknown): unknown {
  if (!(error instanceof ClawError) || !isTailnetShaped(host) || !isUnreached(error.cause)) return error
  return new ClawError(error.code, error.message, {
    cause: error.cause,
    hint: `that is an address inside a tailnet; if this machine is not in it: clawpatrol login --url ${origin}`,
  })
}

function isUnreached(cause: unknown): boolean {
  if (!(cause instanceof Error) || cause instanceof ClawError) return false
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined) return cause.message.startsWith('no answer in')
  return /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/.test(code)
}
