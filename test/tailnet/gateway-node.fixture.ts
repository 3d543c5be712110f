import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IncomingConnection } from '../../gateway/tailnet/tailnet.ts'
import { TsnetTailnet } from '../../gateway/tailnet/tsnet.ts'
import type { Fd } from '../../workers/contract/ids.ts'
import type { Control } from './control.ts'

export const exitRoutes = ['0.0.0.0/0', '::/0']

/** A gateway's node that has not been started, with a fresh key and directory unless these are set. */
export async function newGateway(
  control: Control,
  settings: Partial<ConstructorParameters<typeof TsnetTailnet>[0]> = {},
): Promise<TsnetTailnet> {
  const stateDir = settings.stateDir ?? temporaryDir()
  const authKey = settings.authKey ?? (await control.mint({ tags: ['tag:gateway'] })).key
  const { controlUrl } = control
  const defaults = { hostname: 'gateway', controlUrl, routes: exitRoutes, funnelCertificate: certificate() }
  return new TsnetTailnet({ ...defaults, ...settings, stateDir, authKey })
}

const dirs: string[] = []

/** A directory that `removeDirs` removes. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-gateway-test-'))
  dirs.push(dir)
  return dir
}

export function removeDirs(): void {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
}

export function listenOn() {
  const queue = queueOf<Omit<IncomingConnection, 'fd'> & { readonly socket: Socket }>()
  return {
    next: queue.next,
    accept: ({ fd, from, node }: IncomingConnection) => queue.put({ socket: adopt(fd), from, node }),
  }
}

export function settled<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (cause: unknown) => void = () => undefined
  const promise = new Promise<T>((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}

export function queueOf<T>() {
  const ready: T[] = []
  const waiting: ((one: T) => void)[] = []
  return {
    put: (one: T) => {
      const first = waiting.shift()
      if (first === undefined) ready.push(one)
      else first(one)
    },
    next: () => {
      const first = ready.shift()
      return first === undefined ? new Promise<T>((resolve) => waiting.push(resolve)) : Promise.resolve(first)
    },
  }
}

export function adopt(fd: Fd): Socket {
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  return socket
}

export async function readSome(socket: Socket): Promise<string> {
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

/** How a client's connection ended: empty in order, else the error; `late` where it goes on. */
export async function endOf(stream: { read(timeoutMs?: number): Promise<Buffer> }, timeoutMs = 3000): Promise<string> {
  try {
    return String(await stream.read(timeoutMs))
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return /time|deadline/.test(text) ? 'late' : text
  }
}

export function openFds(): number {
  return readdirSync('/proc/self/fd').length
}

export function certificate(): { certPem: string; keyPem: string } {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-certificate-'))
  try {
    const [certPem, keyPem] = [join(dir, 'cert'), join(dir, 'key')]
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
    const done = spawnSync('openssl', [...words, '-subj', '/CN=gateway', '-keyout', keyPem, '-out', certPem])
    if (done.status !== 0) throw new Error(`openssl: ${done.stderr}`)
    return { certPem: readFileSync(certPem, 'utf8'), keyPem: readFileSync(keyPem, 'utf8') }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
