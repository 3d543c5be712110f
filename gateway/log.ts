import { pino } from 'pino'
import type { Fact } from '../workers/contract/action.ts'
import { toFault } from '../workers/contract/errors.ts'
import { openLogFile } from './log-file.ts'
import { type LogSink, openSink } from './log-sink.ts'
import { buildRedactor, type Redactor } from './recorder/redact.ts'

/** What an event is about: names and numbers, and `error` for what was thrown. */
export type LogFields = { readonly [name: string]: unknown }

/** One event, one line. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** The same with fields in every line, e.g. the flow. */
  child(fields: LogFields): Log
}

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Lines that could not be written, or that a reader was too slow for. */
  readonly dropped: number
  /** From now on every line goes through this. */
  redactWith(redactor: () => Redactor): void
  /** Opens the log file anew, if there is one; that it cannot be is logged. */
  reopen(): void
}

/** What a log is made of. */
export interface LogOptions {
  /** debug, info, warn, error or silent; else what CLAWPATROL_LOG says, else info. */
  readonly level?: string
  /** File descriptor; standard error by default. */
  readonly fd?: number
  /** File that every line is appended to as well. */
  readonly path?: string | null
}

const levels = ['debug', 'info', 'warn', 'error', 'silent']
const longestField = 4096

/**
 * Opens the log: JSON lines on standard error, no secret in them, never waiting for a reader.
 * @throws ClawError CP_CONFIG when the log file cannot be opened
 */
export function openLog(options: LogOptions = {}): ProcessLog {
  // owned by the process: open until it ends
  const file = typeof options.path === 'string' ? openLogFile(options.path) : null
  const sinks: readonly LogSink[] = [openSink(options.fd ?? 2), ...(file === null ? [] : [file])]
  const sink = { write: (line: string) => sinks.forEach((each) => void each.write(line)) }
  let redactor: () => Redactor = noneKnown
  const logger = pino(
    {
      level: levelOf(options.level ?? process.env.CLAWPATROL_LOG),
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    sink,
  )
  const wrap = (context: LogFields): Log => {
    const write = (level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: LogFields = {}) => {
      if (logger.isLevelEnabled(level)) logger[level](clean({ ...context, ...fields }, redactor()), event)
    }
    return {
      debug: (event, fields) => write('debug', event, fields),
      info: (event, fields) => write('info', event, fields),
      warn: (event, fields) => write('warn', event, fields),
      error: (event, fields) => write('error', event, fields),
      child: (fields) => wrap({ ...context, ...fields }),
    }
  }
  const root = wrap({})
  return {
    ...root,
    get dropped() {
      return sinks.reduce((sum, each) => sum + each.dropped, 0)
    },
    reopen() {
      try {
        file?.reopen()
      } catch (error) {
        root.error('log.reopen', { error })
      }
    },
    redactWith(next) {
      redactor = next
    },
  }
}

const none = buildRedactor([])
const noneKnown = () => none

function levelOf(wanted: string | undefined): string {
  return wanted !== undefined && levels.includes(wanted) ? wanted : 'info'
}

function clean(fields: LogFields, redactor: Redactor): object {
  const entries = Object.entries(fields).map(([name, value]) => [name, plain(value, redactor)])
  return JSON.parse(redactor.json(Object.fromEntries(entries), longestField)) as object
}

function plain(value: unknown, redactor: Redactor): Fact {
  if (value instanceof Error) return redactor.words(errorText(value))
  if (typeof value === 'string') return redactor.words(value)
  return value === undefined ? null : (value as Fact)
}

function errorText(error: Error): string {
  const { code, message } = toFault(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${code} ${message}${cause}`
}
