import { spawn } from 'node:child_process'
import { ClawError } from '../../workers/contract/errors.ts'

/** Runs one command with the rights to change the machine. @throws ClawError CP_ONBOARD saying why it did not work */
export type SystemCommand = (words: readonly string[]) => Promise<void>

const deadlineMs = 120_000

/** Runs a command as root: directly, or through sudo, which may ask for a password on a terminal only. */
export const runSystemCommand: SystemCommand = (words) => {
  const isRoot = process.geteuid?.() === 0
  const [command = '', ...args] = isRoot ? words : ['sudo', ...(process.stdin.isTTY ? [] : ['-n']), ...words]
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new ClawError('CP_ONBOARD', `${words.join(' ')} ${why}`, { cause }))
    const child = spawn(command, args, { stdio: ['inherit', 'ignore', 'pipe'], timeout: deadlineMs })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000)
    })
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? `needs ${command}, which is not there` : `cannot run (${error.code})`, error),
    )
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else fail(`ended with ${code ?? signal}: ${said.trim().split('\n').at(-1) ?? ''}`)
    })
  })
}
