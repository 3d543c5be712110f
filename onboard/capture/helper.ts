import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { closeFd, helperPath, receiveFd, socketpair } from 'tsnet-bindings'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Fd } from '../../workers/contract/ids.ts'
import type { Stdio } from './capture.ts'
import { explainFailure, type HelperFailure } from './explain-failure.ts'
import { type HelperReport, HelperReports } from './helper-report.ts'
import { readHostFacts } from './host-facts.ts'

// namespaces and mounts take 5 ms; a hung network file system takes for ever
const SETUP_MS = 15_000

/** How the helper is started; `onWarning` hears what the host does not give. */
export interface HelperOptions {
  readonly config: Buffer
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  readonly onWarning: (text: string) => void
}

/**
 * The helper process of one run. Everything it made ends with it, and it ends when its control socket closes:
 * killing this process leaves nothing behind.
 */
export class Helper {
  /** Settles once the namespaces wait for `go`; rejects with CP_CAPTURE when the helper fails before. */
  readonly ready: Promise<void>
  /** The exit status of the command; rejects with CP_CAPTURE when it could not be run. */
  readonly ended: Promise<number>
  readonly #control: Socket
  readonly #channel: Fd
  readonly #child: ChildProcess
  #receiving: Promise<Fd> | null = null

  constructor(options: HelperOptions) {
    const { control, theirControl, channel, theirChannel } = openSockets()
    this.#channel = channel
    this.#control = new Socket({ fd: control, readable: true, writable: true })
    try {
      // in "/": a working directory taken over from us could lie in a hidden one
      this.#child = spawn(helperPath(), [], {
        cwd: '/',
        env: {},
        stdio: [...options.stdio, theirControl, theirChannel],
      })
    } catch (error) {
      this.#control.destroy()
      closeFd(channel)
      throw error
    } finally {
      closeFd(theirControl)
      closeFd(theirChannel)
    }
    const reports = new HelperReports()
    let last: HelperReport | null = null
    this.ready = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(tooLate()), SETUP_MS)
      this.#control.on('error', reject)
      this.#control.on('close', () => {
        clearTimeout(late)
        reject(failureOf(last, null))
      })
      const take = (report: HelperReport): void => {
        if (report.kind === 'warned') options.onWarning(explainWarning(report))
        // the command's own exit follows a failure to start it
        else if (report.kind !== 'ready') last = last?.kind === 'failed' ? last : report
        else {
          clearTimeout(late)
          resolve()
        }
      }
      this.#control.on('data', (chunk: Buffer) => {
        try {
          for (const report of reports.feed(chunk)) take(report)
        } catch (error) {
          this.#control.destroy(error as Error)
        }
      })
    })
    this.ended = this.#outcome(() => last)
    // both may settle while nobody waits for them
    this.ready.catch(() => undefined)
    this.ended.catch(() => undefined)
    this.#control.write(options.config)
  }

  /**
   * The TUN made inside; the caller owns it.
   * @throws ClawError CP_CAPTURE with what the helper reported
   */
  async receiveTun(): Promise<Fd> {
    this.#receiving = receiveFd(this.#channel, SETUP_MS) as Promise<Fd>
    try {
      return await this.#receiving
    } catch (error) {
      // it closed the channel by ending, so its report is already in the control socket; or it hangs
      this.#child.kill('SIGKILL')
      await this.ended
      throw error
    }
  }

  /** Lets the command start. */
  go(): void {
    this.#control.write('G')
  }

  /** For the command; not before `go`. */
  signal(signal: number): void {
    if (this.#control.writable) this.#control.write(Buffer.of(signal))
  }

  /** Ends what still runs and gives the sockets back. */
  async close(): Promise<void> {
    this.#control.destroy()
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    // the native side must not read a closed fd
    await this.#receiving?.catch(() => undefined)
    closeFd(this.#channel)
    await this.ended.catch(() => undefined)
  }

  async #outcome(last: () => HelperReport | null): Promise<number> {
    const closed = new Promise((resolve) => this.#control.once('close', resolve))
    let ending: unknown
    try {
      const [code, signal] = await once(this.#child, 'exit')
      ending = signal ?? `status ${code}`
    } catch (error) {
      this.#control.destroy()
      const message = `Cannot start the capture helper "${helperPath()}"`
      throw new ClawError('CP_CAPTURE', message, { cause: error, hint: 'npm run build' })
    }
    await closed
    const report = last()
    if (report?.kind === 'exited') return report.signal === 0 ? report.code : 128 + report.signal
    throw failureOf(report, String(ending))
  }
}

function openSockets(): { control: Fd; theirControl: Fd; channel: Fd; theirChannel: Fd } {
  const [control, theirControl] = socketpair() as [Fd, Fd]
  try {
    const [channel, theirChannel] = socketpair() as [Fd, Fd]
    return { control, theirControl, channel, theirChannel }
  } catch (error) {
    closeFd(control)
    closeFd(theirControl)
    throw error
  }
}

function tooLate(): ClawError {
  return new ClawError('CP_CAPTURE', `Cannot prepare the capture: not ready after ${SETUP_MS / 1000} s`, {
    hint: 'look for a hung network file system among the mounts of this machine',
  })
}

function failureOf(report: HelperReport | null, ending: string | null): ClawError {
  if (report?.kind === 'failed') return toError(report)
  const how = ending === null ? '' : ` with ${ending}`
  return new ClawError('CP_CAPTURE', `Cannot capture the command: the helper ended early${how}`)
}

function toError(failure: HelperFailure): ClawError {
  const problem = explainFailure(failure, readHostFacts(), helperPath())
  return new ClawError('CP_CAPTURE', problem.message, { hint: problem.fix })
}

function explainWarning(warning: HelperFailure): string {
  if (warning.stage === 'ipv6') return 'this host has no IPv6: the command runs with IPv4 only'
  if (warning.stage === 'proc-mount') {
    return 'this container forbids a fresh /proc: the command sees which processes run outside, and its background children outlive a kill -9 of clawpatrol, without network'
  }
  return explainFailure(warning, readHostFacts(), helperPath()).message
}
