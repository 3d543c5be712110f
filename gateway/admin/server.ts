import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { ClawError } from '../../workers/contract/errors.ts'
import { createAdminApp } from './app.ts'
import type { AdminPorts } from './ports.ts'
import { isBindable } from './socket.ts'

/** The local socket of a running gateway, open. Owns the file. */
export interface AdminServer extends AsyncDisposable {
  readonly socketPath: string
}

/**
 * Listens for operators on a unix socket only this user and root can open.
 * A socket file nobody answers on is what a killed gateway left: it is replaced.
 * @throws ClawError CP_ONBOARD when another gateway answers there, or the path is unusable
 */
export async function startAdminServer(options: {
  readonly socketPath: string
  readonly ports: AdminPorts
}): Promise<AdminServer> {
  const { socketPath } = options
  if (!isBindable(socketPath))
    throw new ClawError('CP_ONBOARD', `Cannot open ${JSON.stringify(socketPath)}: the path is too long for a socket`, {
      hint: 'choose a shorter state_dir',
    })
  await clearStale(socketPath)
  const app = createAdminApp(options.ports)
  const listener = getRequestListener((request) => app.fetch(request), { overrideGlobalObjects: false })
  const server = createServer((request, response) => void listener(request, response))
  server.headersTimeout = 5000
  server.requestTimeout = 10_000
  server.maxConnections = 32
  await bind(server, socketPath)
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function bind(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new ClawError('CP_ONBOARD', `Cannot open ${JSON.stringify(socketPath)}: ${error.code ?? error.message}`, {
          cause: error,
          hint: 'check owner and mode of the state directory',
        }),
      ),
    )
    // the file is made within listen(): never is there a moment in which others could open it
    const before = process.umask(0o177)
    try {
      server.listen(socketPath, () => {
        chmodSync(socketPath, 0o600)
        resolve()
      })
    } finally {
      process.umask(before)
    }
  })
}

/**
 * Sees to it that no other gateway runs with a state directory; to be called before anything in it is touched.
 * @throws ClawError CP_ONBOARD when one answers on its socket
 */
export async function refuseSecondGateway(socketPath: string): Promise<void> {
  // what cannot be looked at is the storage's to complain about
  if (isSocket(socketPath) && (await isAnswered(socketPath))) throw secondGateway()
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket()
  } catch {
    return false
  }
}

function secondGateway(): ClawError {
  return new ClawError('CP_ONBOARD', 'Cannot start: another gateway runs with the same state directory', {
    hint: 'end it, or choose another state_dir',
  })
}

async function clearStale(socketPath: string): Promise<void> {
  const found = lstatSync(socketPath, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new ClawError('CP_ONBOARD', `Cannot open ${JSON.stringify(socketPath)}: it is no socket`, {
      hint: 'move the file away',
    })
  if (await isAnswered(socketPath)) throw secondGateway()
  unlinkSync(socketPath)
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2000, () => done(true))
    socket.once('connect', () => done(true))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}
