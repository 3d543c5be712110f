import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { RunCommand } from '../capture.ts'

/**
 * Waits for the word on fd 3 and becomes the command, with the same pid. Without the word, as when clawpatrol was
 * killed, it ends. The shell reads no file and expands nothing: the words of the command are its arguments.
 */
const gate = 'IFS= read -r word <&3 && [ "$word" = go ] || exit 126; exec "$@" 3<&-'

/** A process that will be the command, and is not yet. */
export class HeldCommand {
  readonly pid: number
  /** The exit status; 128 + n for death by signal n. */
  readonly ended: Promise<number>
  readonly #child: ChildProcess
  readonly #gate: Writable

  private constructor(child: ChildProcess, pid: number) {
    this.pid = pid
    this.#child = child
    this.#gate = child.stdio[3] as Writable
    // it may have been killed: `ended` says so
    this.#gate.on('error', () => undefined)
    this.ended = once(child, 'exit').then((found) => {
      const [code, signal] = found as [number | null, NodeJS.Signals | null]
      return signal === null ? (code ?? 1) : 128 + constants.signals[signal]
    })
  }

  /** @throws ClawError CP_CAPTURE when there cannot even be a process */
  static async spawn(run: RunCommand): Promise<HeldCommand> {
    const { command, args, cwd, env, stdio = ['inherit', 'inherit', 'inherit'] } = run
    // `exec` would take it for an option
    if (command.startsWith('-'))
      throw new ClawError('CP_CAPTURE', `Cannot run ${JSON.stringify(command)}: its name begins with a dash`, {
        hint: `give its path: ./${command}`,
      })
    const child = spawn('/bin/sh', ['-c', gate, 'sh', command, ...args], { cwd, env, stdio: [...stdio, 'pipe'] })
    try {
      await once(child, 'spawn')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ClawError('CP_CAPTURE', `Cannot start a process in ${JSON.stringify(cwd)}: ${code}`, {
        cause: error,
        hint: 'cd to a directory that is there and that the command may enter',
      })
    }
    if (child.pid === undefined) throw new ClawError('CP_INTERNAL', 'Cannot find the process that was started')
    return new HeldCommand(child, child.pid)
  }

  /** Lets it become the command. */
  go(): void {
    this.#gate.end('go\n')
  }

  signal(signal: number): void {
    this.#child.kill(signal)
  }

  /** Ends it where it has not become the command, and waits for that. */
  async abandon(): Promise<void> {
    this.#gate.destroy()
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
