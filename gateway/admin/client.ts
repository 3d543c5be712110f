import { request } from 'node:http'
import { ClawError } from '../../workers/contract/errors.ts'
import { adminHost, adminSocketPath } from './socket.ts'

const deadlineMs = 35_000
const maxReplyBytes = 16 * 1024 * 1024

/** One command to the gateway on this machine. */
export interface AdminCall {
  readonly stateDir: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Encoded already. */
  readonly path: string
  readonly body?: unknown
}

/**
 * Asks the running gateway over its local socket.
 * @throws ClawError CP_ONBOARD when none runs, this user may not, or it refuses
 */
export function callAdmin(call: AdminCall): Promise<unknown> {
  const socketPath = adminSocketPath(call.stateDir)
  return new Promise((resolve, reject) => {
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const outgoing = request({
      socketPath,
      method: call.method,
      path: call.path,
      agent: false,
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        host: adminHost,
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(socketPath, error)))
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxReplyBytes) response.destroy(new Error('the answer is too long'))
        chunks.push(chunk)
      })
      response.once('error', (error) => reject(unreachable(socketPath, error)))
      response.once('end', () => {
        try {
          resolve(accepted(response.statusCode ?? 0, JSON.parse(Buffer.concat(chunks).toString('utf8'))))
        } catch (error) {
          reject(error)
        }
      })
    })
    outgoing.end(body ?? undefined)
  })
}

function accepted(status: number, reply: unknown): unknown {
  if (status === 200) return reply
  const { error, hint } = reply as { error?: unknown; hint?: unknown }
  const message = typeof error === 'string' ? error : `the gateway answered ${status}`
  throw new ClawError('CP_ONBOARD', message, typeof hint === 'string' ? { hint } : {})
}

function unreachable(socketPath: string, error: NodeJS.ErrnoException): ClawError {
  const where = JSON.stringify(socketPath)
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return new ClawError('CP_ONBOARD', `No gateway runs with the state directory of ${where}`, {
      cause: error,
      hint: 'run this on the gateway host; name its state directory with --state-dir or CLAWPATROL_STATE',
    })
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new ClawError('CP_ONBOARD', `Cannot open ${where}: it belongs to another user`, {
      cause: error,
      hint: 'run this as the user the gateway runs as, or as root',
    })
  return new ClawError('CP_ONBOARD', `Cannot ask the gateway at ${where}: ${error.message}`, { cause: error })
}
