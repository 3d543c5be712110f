import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { RunCommand } from '../capture.ts'
import { relaySignals } from '../signal-relay.ts'
import { openAgain } from './control-channel.ts'
import { endTree } from './end-tree.ts'
import type { Registration } from './extension.ts'
import { HeldCommand } from './held-command.ts'

/** One command whose processes an extension of the system knows, and whose flows it puts into a tunnel. */
export interface ExtensionRun extends RunCommand {
  /** Resolves once all flows of the process, and of what descends from it, go into the tunnel; rejects otherwise. */
  register(pid: number): Promise<Registration>
  /** Resolves when nobody can say any more whether they do. */
  readonly lost: Promise<void>
}

/**
 * Runs the command as a child of this process that the extension captures: it is held until that is confirmed, and
 * ended when that is over before it has ended.
 * @see capture for the result and the errors
 */
export async function captureOnDarwin(run: ExtensionRun): Promise<number> {
  tellLimits(run)
  const early = new EarlyEnd()
  let send = (signal: number) => early.onSignal(signal)
  const stopRelay = relaySignals((signal) => send(signal))
  try {
    const command = await HeldCommand.spawn(run)
    const registration = await registered(run, command, early)
    send = (signal) => {
      if (!comesFromTerminal(signal)) command.signal(signal)
    }
    command.go()
    const code = await Promise.race([command.ended, run.lost.then(() => null)])
    if (code === null) return await endUncaptured(command)
    // the command has ended: its status is what counts
    await registration.release().catch((error) => run.warn?.(`the capture did not end cleanly: ${messageOf(error)}`))
    return code
  } catch (error) {
    if (error instanceof StoppedEarly) return 128 + error.signal
    throw error
  } finally {
    stopRelay()
  }
}

function tellLimits({ hide, waitAll, warn }: ExtensionRun): void {
  // no mount namespaces here
  const dirs = hide.map(({ dir }) => JSON.stringify(dir)).join(', ')
  if (dirs !== '') warn?.(`macOS hides no files: the command can read the secrets in ${dirs}`)
  if (waitAll === true)
    warn?.('on macOS nobody waits for background processes: they lose their network with the command')
}

async function registered(run: ExtensionRun, command: HeldCommand, early: EarlyEnd): Promise<Registration> {
  const gone = command.ended.then(() => {
    throw new ClawError('CP_CAPTURE', 'Cannot capture the command: it was ended before it began')
  })
  gone.catch(() => undefined)
  const lost = run.lost.then(() => {
    throw new ClawError('CP_CAPTURE', 'Cannot capture the command: Clawpatrol.app is gone', { hint: openAgain })
  })
  lost.catch(() => undefined)
  try {
    return await Promise.race([run.register(command.pid), lost, gone, early.stopped])
  } catch (error) {
    await command.abandon()
    throw error
  }
}

async function endUncaptured(command: HeldCommand): Promise<never> {
  await endTree(command.pid)
  await command.ended
  throw new ClawError(
    'CP_CAPTURE',
    'The command was ended: Clawpatrol.app is gone, and with it the word that its traffic is captured',
    { hint: openAgain },
  )
}

/** A terminal sends these to the command too; a second one would be one too many. */
function comesFromTerminal(signal: number): boolean {
  const { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH } = constants.signals
  return [SIGINT, SIGQUIT, SIGTSTP, SIGWINCH].includes(signal) && [0, 1, 2].some((fd) => isatty(fd))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

class StoppedEarly extends Error {
  readonly signal: number

  constructor(signal: number) {
    super(`Cannot start the command: stopped by signal ${signal}`)
    this.signal = signal
  }
}

/** Until the command runs, signals end the set-up. */
class EarlyEnd {
  readonly stopped: Promise<never>
  #stop: (error: StoppedEarly) => void = () => undefined

  constructor() {
    this.stopped = new Promise((_, reject) => {
      this.#stop = reject
    })
    this.stopped.catch(() => undefined)
  }

  onSignal(signal: number): void {
    const { SIGHUP, SIGINT, SIGQUIT, SIGTERM } = constants.signals
    if ([SIGHUP, SIGINT, SIGQUIT, SIGTERM].includes(signal)) this.#stop(new StoppedEarly(signal))
  }
}
