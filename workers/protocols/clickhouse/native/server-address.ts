import type { Flow } from '../../../contract/flow.ts'
import type { Address } from '../../../contract/ids.ts'

/**
 * The server an agent meant: by the name it used, else the one of the endpoint's hosts that it can have meant.
 * @param hosts of the endpoint, each with its port
 */
export function serverAddress({ targetName, target }: Pick<Flow, 'targetName' | 'target'>, hosts: readonly string[]) {
  if (targetName !== null) return { host: targetName, port: target.port }
  const known = hosts.flatMap((host) => addressOf(host) ?? []).filter(({ host }) => !host.startsWith('*'))
  return (
    known.find(({ host, port }) => host === target.host && port === target.port) ??
    known.find(({ port }) => port === target.port) ?? { host: target.host, port: target.port }
  )
}

/** `name:port` or `[address]:port`, taken apart. */
function addressOf(text: string): Address | null {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = found?.[1] ?? found?.[2]
  return host === undefined ? null : { host: host.toLowerCase(), port: Number(found?.[3]) }
}
