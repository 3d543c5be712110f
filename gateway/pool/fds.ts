import { closeSync, fstatSync } from 'node:fs'
import type { Fd } from '../../workers/contract/ids.ts'

/**
 * What a descriptor stood for when it was looked at. A number alone is not enough to close by: it may have been
 * closed and given to another socket since.
 */
export interface FdIdentity {
  readonly fd: Fd
  /** Inode of the socket; null when the descriptor was not open. */
  readonly inode: number | null
}

/** Notes what a descriptor stands for now. */
export function identify(fd: Fd): FdIdentity {
  return { fd, inode: inodeOf(fd) }
}

/** Closes a descriptor that still stands for the same socket. Only for whoever knows that no thread uses it any more. */
export function closeIfSame({ fd, inode }: FdIdentity): boolean {
  if (inode === null || inodeOf(fd) !== inode) return false
  closeSync(fd)
  return true
}

/** Descriptors a thread was given, to close those it left open when it is gone. As many as there are numbers. */
export class FdLedger {
  readonly #given = new Map<Fd, FdIdentity>()

  note(fd: Fd): void {
    this.#given.set(fd, identify(fd))
  }

  /** @returns how many had to be closed */
  closeAll(): number {
    const left = [...this.#given.values()].filter(closeIfSame).length
    this.#given.clear()
    return left
  }
}

function inodeOf(fd: Fd): number | null {
  try {
    return fstatSync(fd).ino
  } catch {
    return null
  }
}
