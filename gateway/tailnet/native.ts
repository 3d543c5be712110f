import { dial, onFault } from 'tsnet-bindings'
import type { Address, Fd } from '../../workers/contract/ids.ts'

/** Opens a TCP connection from this host; a kernel socket, owned by the caller. */
export async function dialFromHere(to: Address, timeoutMs: number): Promise<Fd> {
  return (await dial(to, timeoutMs)) as Fd
}

/** Tells of faults inside the native part; there is one listener at a time. */
export function onNativeFault(listener: (cause: string) => void): void {
  onFault(listener)
}
