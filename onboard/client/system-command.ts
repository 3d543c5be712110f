import { spawn } from 'node:child_process'
import { ClawError } from '../../workers/contract/errors.ts'

/** Runs one command with the rights to change the machine. @throws ClawError CP_ONBOARD saying why it did not work */
export type SystemCommand = (words: readonly string[]) => Promise<void>

/**
 * Runs one command and gives back what it says on its standard output.
 * @param input its standard input, for what nobody else may see; this program's own unless given
 * @throws ClawError CP_ONBOARD as above
 */
export type SystemQuery = (words: readonly string[], input?: Uint8Array) => Promise<string>

const deadlineMs = 120_000
const maxAnswerLength = 4 * 1024 * 1024

/** Runs a command as root: directly, or through sudo, which may ask for a password on a terminal only. */
export const runSystemCommand: SystemCommand = async (words) => {
  await askAsRoot(words)
}

/** Asks a command that needs root. */
export const askAsRoot: SystemQuery = (words, input) => {
  const isRoot = process.geteuid?.() === 0
  // sudo asks on the terminal itself, whatever the standard input is
  return ask(words, isRoot ? words : ['sudo', ...(process.stdin.isTTY ? [] : ['-n']), ...words], input)
}

/** Asks a command that anybody may run. */
export const askAsUser: SystemQuery = (words, input) => ask(words, words, input)

function ask(
  words: readonly string[],
  [command = '', ...args]: readonly string[],
  input?: Uint8Array,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new ClawError('CP_ONBOARD', `${nameOf(words)} ${why}`, { cause }))
    const child = spawn(command, args, {
      stdio: [input === undefined ? 'inherit' : 'pipe', 'pipe', 'pipe'],
      timeout: deadlineMs,
    })
    // one that ends before it read everything says so by its exit code
    child.stdin?.on('error', () => undefined).end(input)
    let said = ''
    let answer = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      answer += text
      if (answer.length > maxAnswerLength) child.kill()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000)
    })
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? `needs ${command}, which is not there` : `cannot run (${error.code})`, error),
    )
    child.once('close', (code, signal) => {
      if (code === 0) resolve(answer)
      else fail(`ended with ${code ?? signal}: ${said.trim().split('\n').at(-1) ?? ''}`)
    })
  })
}

// a script is named by its arguments, the first of which says what it does
function nameOf(words: readonly string[]): string {
  return words[0] === 'sh' ? words.slice(3).join(' ') : words.join(' ')
}
