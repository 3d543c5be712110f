import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { ClawError } from '../workers/contract/errors.ts'
import type { LogSink } from './log-sink.ts'

/** A file that log lines are appended to. Owns its descriptor. */
export interface LogFile extends LogSink, Disposable {
  readonly path: string
  /**
   * Opens the path anew, for programs that move log files away.
   * @throws ClawError CP_CONFIG; lines then go on to the file that was open
   */
  reopen(): void
}

// a pipe without a reader fails at once instead of holding the gateway
const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants
const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK

/**
 * Opens a log file to append to; made readable by its owner alone when it is new.
 * @throws ClawError CP_CONFIG when it cannot be written
 */
export function openLogFile(path: string): LogFile {
  let fd = open(path)
  let dropped = 0
  return {
    path,
    write(line) {
      try {
        writeSync(fd, line)
      } catch {
        dropped += 1
      }
    },
    get dropped() {
      return dropped
    },
    reopen() {
      const next = open(path)
      closeSync(fd)
      fd = next
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function open(path: string): number {
  let fd: number
  try {
    fd = openSync(path, flags, 0o600)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw refused(path, reasons[code] ?? code, cause)
  }
  const found = fstatSync(fd)
  if (found.isFile() || found.isCharacterDevice()) return fd
  closeSync(fd)
  throw refused(path, 'neither a file nor a device')
}

const reasons: { readonly [code: string]: string } = {
  ENOENT: 'its directory does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENXIO: 'it is a pipe that nobody reads',
}

function refused(path: string, why: string, cause?: unknown): ClawError {
  return new ClawError('CP_CONFIG', `Cannot open the log file ${JSON.stringify(resolve(path))}: ${why}`, {
    cause,
    hint: 'log_path of the gateway block must name a file in a directory that exists and can be written',
  })
}
