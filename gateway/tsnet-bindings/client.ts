import { binding } from './binding.ts'
import { op } from './protocol.ts'

export interface ClientOptions {
  /** Base64. */
  readonly privateKey: string
  /** Base64. */
  readonly serverPublicKey: string
  /** "address:port" of the server, address being an IP literal. */
  readonly endpoint: string
  /** A TUN device opened with IFF_NO_PI and IFF_VNET_HDR; owned by the client from here on. */
  readonly tunFd: number
  /** Seconds; 0 sends none. */
  readonly keepaliveS: number
}

/** Moves packets between a TUN device and a WireGuard server until closed. */
export async function startClient(options: ClientOptions): Promise<{ close(): Promise<void> }> {
  const { privateKey, serverPublicKey, endpoint, tunFd, keepaliveS } = options
  const settings = JSON.stringify({ privateKey, serverPublicKey, endpoint, tunFd, keepaliveS })
  const started = await binding().request(op.startClient, 0, 0, 0, settings)
  let closing: Promise<unknown> | undefined
  return {
    async close() {
      closing ??= binding().request(op.stop, started.value, 0, 0, '')
      await closing
    },
  }
}

/** Bytes WireGuard adds to a packet at most: an IPv6 and a UDP header, its own header and tag. */
const overhead = 80
/** Larger packets bring little more; smaller ones than IPv6 allows bring nothing through. */
const mostMtu = 8920
const leastMtu = 1280

/**
 * The largest packet that fits into a tunnel to `endpoint` ("address:port") from this machine, in bytes.
 * @param otherwise taken when the kernel cannot tell
 */
export function tunnelMtu(endpoint: string, otherwise: number): number {
  const path = Number(binding().read(op.readPathMtu, 0, endpoint))
  return path === 0 ? otherwise : Math.max(leastMtu, Math.min(mostMtu, path - overhead))
}
