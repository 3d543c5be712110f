import { spawnSync } from 'node:child_process'
import { mayIsolate } from '../tailnet/namespace.ts'

const wireguardTools = ['wg-quick', 'wg', 'wireguard-go']

/**
 * Whether this host can stand in for a machine whose traffic is routed as a whole; says loudly when it cannot.
 * @param subject what is not tested then
 */
export function mayRoute(subject: string, kind: 'wireguard' | 'tailscale'): boolean {
  const missing = kind === 'tailscale' ? [] : wireguardTools.filter((tool) => spawnSync('which', [tool]).status !== 0)
  if (missing.length === 0 && mayIsolate()) return true
  const needs =
    missing.length === 0 ? 'root and ip, nsenter, unshare' : `${missing.join(', ')} (wireguard-tools wireguard-go)`
  process.stderr.write(`NOT TESTED: ${subject}: needs ${needs}\n`)
  return false
}
