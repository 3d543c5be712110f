import { ClawError } from '../../workers/contract/errors.ts'

/**
 * Stands in where commands cannot be captured, so that nothing ever runs outside of the tunnel.
 * @throws ClawError CP_CAPTURE always
 */
export function refuseCapture(platform: string): never {
  throw new ClawError('CP_CAPTURE', `Cannot capture a command on "${platform}": needs Linux namespaces`, {
    hint: 'run it on Linux, or in a Linux container with --device /dev/net/tun',
  })
}
