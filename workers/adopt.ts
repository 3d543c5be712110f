import net from 'node:net'
import { ClawError } from './contract/errors.ts'
import type { Fd } from './contract/ids.ts'

/** libuv's own face of a stream socket, as `net.Socket` holds it. */
interface NativeHandle {
  open(fd: number): number
}

const OriginalSocket = net.Socket
/** The one descriptor that may become a socket now; -1: none. */
let expected = -1

/**
 * Makes a socket of a descriptor that main handed to this thread. The socket owns it from here on: it is closed when
 * the socket is destroyed, or with the thread.
 * @throws ClawError CP_NATIVE when it is not an open stream socket; it stays with whoever owned it
 */
export function adopt(fd: Fd): net.Socket {
  expected = fd
  try {
    return new OriginalSocket({ fd, readable: true, writable: true, allowHalfOpen: true })
  } catch (cause) {
    throw new ClawError('CP_NATIVE', `cannot use descriptor ${fd} as a socket`, { cause })
  } finally {
    expected = -1
  }
}

/**
 * Lets libuv open only the descriptor `adopt` asks for, and connect, bind and listen never: the native classes are
 * reachable from any socket (`socket._handle.constructor`), so a guard on `net.Socket` alone would be a fence with a gate.
 */
export function guardHandles(): void {
  for (const target of [{ port: 1, host: '127.0.0.1' }, { path: '/nonexistent/clawpatrol' }]) {
    const handle = handleFor(target)
    const prototype = Object.getPrototypeOf(handle) as Record<string, unknown> & NativeHandle
    const { open } = prototype
    for (const name of ['connect', 'connect6', 'bind', 'bind6', 'listen', 'fchmod']) {
      if (name in prototype) define(prototype, name, forbid(`a native ${name}`))
    }
    define(prototype, 'open', function guarded(this: NativeHandle, fd: number): number {
      if (fd !== expected || fd < 0) forbid('a descriptor that was not handed to it')()
      return open.call(this, fd)
    })
  }
}

/** Puts a class in the place of `net.Socket` that takes no descriptor, and closes connecting and listening. */
export function guardSocketClass(refusal: (name: string) => (...ignored: unknown[]) => never): void {
  const guarded: typeof net.Socket = new Proxy(OriginalSocket, {
    apply: (target, self, [options]) => Reflect.apply(target, self, [withoutDescriptor(options)]),
    construct: (target, [options], newTarget): object =>
      Reflect.construct(target, [withoutDescriptor(options)], newTarget === guarded ? target : newTarget),
  })
  define(OriginalSocket.prototype, 'connect', refusal('net.Socket.connect'))
  define(OriginalSocket.prototype, 'constructor', guarded)
  define(net.Server.prototype, 'listen', refusal('net.Server.listen'))
  for (const name of ['Socket', 'Stream']) define(net, name, guarded)
}

/** Starts and drops a connection, because a connecting socket is the only public holder of a native class. */
function handleFor(target: net.NetConnectOpts): NativeHandle {
  const socket = new OriginalSocket()
  socket.on('error', () => undefined)
  socket.connect(target)
  const handle = (socket as unknown as { _handle: NativeHandle | null })._handle
  socket.destroy()
  if (handle === null) throw new ClawError('CP_INTERNAL', 'cannot reach the native socket classes to guard them')
  return handle
}

function withoutDescriptor(options: unknown): unknown {
  if (typeof options === 'number') return forbid('a descriptor that was not handed to it')()
  // a copy, so that a getter cannot answer twice differently
  const copy: Record<string | symbol, unknown> = { ...(options as object | undefined) }
  if (copy.fd !== undefined) forbid('a descriptor that was not handed to it')()
  return copy
}

function forbid(what: string): () => never {
  return () => {
    throw new ClawError('CP_FORBIDDEN', `a worker may not use ${what}`)
  }
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: false, writable: false })
}
