import { fstatSync, writeSync } from 'node:fs'

/** Where log lines go. Never waits for a reader, never throws. */
export interface LogSink {
  write(line: string): void
  /** Lines that could not be written, or that a reader was too slow for. */
  readonly dropped: number
}

/** Bytes that may wait for a slow reader. */
const mostWaiting = 1024 * 1024

/** Opens a sink on a file descriptor, which stays open. */
export function openSink(fd: number): LogSink {
  const stat = fstatSync(fd)
  const isStream = stat.isFIFO() || stat.isSocket()
  return isStream && fd === 2 ? streamSink(process.stderr) : fileSink(fd)
}

/** Files and terminals take lines at once. */
function fileSink(fd: number): LogSink {
  let dropped = 0
  return {
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
  }
}

/** Pipes and sockets may be full or closed. Not pino's own destination: that spins at exit when they are. */
function streamSink(stream: NodeJS.WriteStream): LogSink {
  let dropped = 0
  stream.on('error', () => {
    dropped += 1
  })
  return {
    write(line) {
      if (stream.writableLength + line.length > mostWaiting) dropped += 1
      else stream.write(line)
    },
    get dropped() {
      return dropped
    },
  }
}
