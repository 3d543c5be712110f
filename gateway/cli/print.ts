import { writeSync } from 'node:fs'
import pc from 'picocolors'
import { ClawError } from '../../workers/contract/errors.ts'

/** Colours that turn themselves off when stdout is not a terminal or NO_COLOR is set. */
export const colour = pc

/** Writes one line to stdout; a reader that went away ends the program quietly. */
export function print(line: string): void {
  write(1, `${line}\n`)
}

/** Writes one line to stderr. */
export function printError(line: string): void {
  write(2, `${line}\n`)
}

/** One value as one JSON line. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item)))
}

/** Rows under a header, columns aligned; widths count what is visible, not colour codes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => visible(row[column] ?? ''))))
  return all.map((row) => alignRow(row, widths)).join('\n')
}

/** One row padded to the given column widths. */
export function alignRow(cells: readonly string[], widths: readonly number[]): string {
  // a line end in a cell would begin a row that is not there
  const whole = cells.map((cell) => cell.replace(/[\n\t]/g, escaped))
  const padded = whole.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visible(cell))))
  return padded.join('  ').trimEnd()
}

/** An error as people read it: one sentence, then what to do. Never a stack. */
export function printFailure(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  printError(`clawpatrol: ${message}`)
  if (error instanceof ClawError && error.hint !== null) printError(`hint: ${error.hint}`)
}

/**
 * Control characters, which could rewrite what a terminal shows, as `\u001b`: agents choose names that are printed
 * here, and so does a gateway that is joined. Only the codes of `colour`, tabs and line ends stay.
 */
export function harmless(text: string): string {
  return text.replace(/\p{Cc}(\[(?:[0-4]|2[1-79]|3\d|9\d)m)?/gu, (found: string, code: string | undefined) => {
    const isOurs = /^[\n\t]/.test(found) || (found.startsWith('\u001b') && code !== undefined)
    return isOurs ? found : escaped(found.slice(0, 1)) + found.slice(1)
  })
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function visible(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences start with ESC
  return text.replace(/\u001b\[[0-9;]*m/g, '').length
}

function write(fd: number, text: string): void {
  let rest = Buffer.from(harmless(text))
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EPIPE') process.exit(0)
      if (code !== 'EAGAIN') throw error
      // a non-blocking terminal or pipe is full: wait a moment without giving the line up
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
