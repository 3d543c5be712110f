import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ClawError } from '../../../workers/contract/errors.ts'
import { relaySignals } from '../../capture/signal-relay.ts'
import type { PushedVariable } from '../../protocol.ts'
import { updateBundle } from '../bundle.ts'
import { wrappedEnvironment } from '../environment.ts'
import type { Identity } from '../identity.ts'
import { pushedVariables } from '../pushed-variables.ts'
import { type Host, thisHost } from './host.ts'
import { routingState } from './mode.ts'

const askMs = 5000

/** A command to run on a machine that is routed as a whole. */
export interface DirectRun {
  readonly words: readonly [command: string, ...args: string[]]
  readonly warn: (text: string) => void
  readonly host?: Host
}

/**
 * Runs a command without a tunnel of its own: the machine's is everybody's. Only while that is up.
 * @returns the command's exit code; 128 + signal when it died of one, 126 and 127 as shells have them
 * @throws ClawError when traffic would not go to the gateway: the command is not run
 */
export async function runDirect(identity: Identity, { words, warn, host = thisHost }: DirectRun): Promise<number> {
  const state = await routingState(identity, host)
  if (state.kind === 'down')
    throw new ClawError('CP_CAPTURE', `This machine does not go through its gateway any more: ${state.why}`, {
      hint: 'run clawpatrol join <gateway-url> --whole-machine again',
    })
  warn(`this whole machine goes through the gateway: ${words[0]} runs directly (${state.how})`)
  const isPlain = process.env.CLAWPATROL_NO_ENV === '1'
  const pushed = isPlain ? [] : await variables(identity, warn)
  const files = { caFile: identity.caFile, bundleFile: updateBundle(identity) }
  return await execute(words, wrappedEnvironment(process.env, files, pushed), warn)
}

async function variables(identity: Identity, warn: (text: string) => void): Promise<readonly PushedVariable[]> {
  try {
    return await pushedVariables(identity, askMs)
  } catch (error) {
    warn(`the gateway's variables are missing: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

function execute(
  [command, ...args]: DirectRun['words'],
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', env })
    const release = relaySignals((signal) => child.kill(signal))
    const end = (code: number) => {
      release()
      resolve(code)
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      warn(`${command}: ${error.code === 'ENOENT' ? 'command not found' : (error.code ?? error.message)}`)
      end(error.code === 'ENOENT' ? 127 : 126)
    })
    child.once('exit', (code, signal) => end(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  })
}
