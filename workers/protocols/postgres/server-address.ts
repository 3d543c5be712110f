import { isIP } from 'node:net'
import { ClawError } from '../../contract/errors.ts'
import type { Address } from '../../contract/ids.ts'
import type { PostgresSettings } from './definition.ts'

/**
 * Where an endpoint's server is; `host` lower case, without brackets, may be a name.
 * @throws ClawError CP_CONFIG when the setting is not host:port
 */
export function serverAddress({ host }: Pick<PostgresSettings, 'host'>): Address {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(host)
  const name = (found?.[1] ?? found?.[2])?.toLowerCase().replace(/\.$/, '')
  if (name === undefined || (found?.[1] !== undefined && isIP(name) !== 6))
    throw new ClawError('CP_CONFIG', `cannot use ${JSON.stringify(host)} as the server: it is not host:port`)
  return { host: name, port: Number(found?.[3]) }
}
