import { binding } from './binding.ts'
import type { Address } from './flows.ts'
import { joinAddress } from './flows.ts'
import { op } from './protocol.ts'

/**
 * Opens a TCP connection with a kernel socket; the caller owns the descriptor.
 * @throws Error with the system's cause ("connection refused", "timed out").
 */
export async function dial(to: Address, timeoutMs: number): Promise<number> {
  return (await binding().request(op.dial, 0, timeoutMs, 0, joinAddress(to))).value
}

/** Two connected UNIX stream sockets, close-on-exec and blocking. */
export function socketpair(): [number, number] {
  const [left = '', ...right] = binding().read(op.readSocketpair, 0).split(' ')
  if (left === 'error') throw new Error(right.join(' '))
  return [Number(left), Number(right[0])]
}

/** Waits for a descriptor sent with SCM_RIGHTS and one byte on a UNIX socket that Node does not read meanwhile. */
export async function receiveFd(socket: number, timeoutMs: number): Promise<number> {
  return (await binding().request(op.receiveFd, 0, socket, timeoutMs, '')).value
}

export function closeFd(fd: number): void {
  binding().send(op.closeFd, 0, fd)
}

/** Tells `listener` of faults inside the native part; there is one listener at a time. */
export function onFault(listener: (cause: string) => void): void {
  binding().onFault = listener
}

/** From now on this process leaves no core dump, and other processes of its user cannot read its memory. */
export function hideMemory(): void {
  binding().hideMemory()
}
