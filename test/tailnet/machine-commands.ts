import type { Device } from '../support/device.ts'
import type { Surroundings } from '../support/lab.ts'
import { clawpatrol } from '../support/program.ts'
import type { Namespace } from './namespace.ts'

/** The commands of a machine that is a namespace of its own; `env` describes its home, as for `deviceOf`. */
export function deviceIn(namespace: Namespace, env: NodeJS.ProcessEnv): Device {
  const run = ['run', '--']
  const words = (more: readonly string[]) => [process.execPath, clawpatrol, ...more]
  return {
    env,
    run: (command, more = {}) => namespace.run(words([...run, ...command]), { ...env, ...more.env }, more.input ?? ''),
    startRun: (command, input) => namespace.start(words([...run, ...command]), env, input),
    cli: (command, input) => namespace.run(words(command), env, input),
  }
}

/** Where a gateway runs in a namespace, with the operator's commands beside it. */
export function surroundingsIn(namespace: Namespace): Surroundings {
  return { starting: (words) => namespace.within(words), beside: (words) => namespace.within(words) }
}
