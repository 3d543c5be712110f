import { join } from 'node:path'
import { clawpatrol, type Finished, type Running, run, start } from './program.ts'

/** A machine of an agent that has joined: an identity of its own, on this host. */
export interface Device {
  readonly env: NodeJS.ProcessEnv
  /** Runs a command the way an agent's user does: `clawpatrol run -- …`. */
  run(words: readonly string[], options?: { input?: string; env?: NodeJS.ProcessEnv }): Promise<Finished>
  /** @param input as for `start` */
  startRun(words: readonly string[], input?: string | null): Running
  /** Any other `clawpatrol` command. */
  cli(words: readonly string[], input?: string): Promise<Finished>
}

/** The commands of the machine that an environment describes. */
export function deviceOf(env: NodeJS.ProcessEnv): Device {
  return {
    env,
    run: (words, more = {}) =>
      run(process.execPath, [clawpatrol, 'run', '--', ...words], { ...env, ...more.env }, more.input ?? ''),
    startRun: (words, input) => start(process.execPath, [clawpatrol, 'run', '--', ...words], env, input),
    cli: (words, input) => run(process.execPath, [clawpatrol, ...words], env, input),
  }
}

/** What enrolling a machine needs. */
export interface Enrolment {
  readonly url: string
  readonly name: string
  readonly profile?: string
  readonly env: NodeJS.ProcessEnv
  /** A command of the operator. */
  readonly operator: (words: readonly string[]) => Promise<Finished>
}

/** Enrols a machine the way people do: it shows a code, the operator approves it. */
export async function enrol({ url, name, profile, env, operator }: Enrolment): Promise<void> {
  await using joining = startJoin({ url, name, env })
  const [code] = await joining.saw(/[A-Z]{4}-[2-9]{4}/)
  const chosen = profile === undefined ? [] : ['--profile', profile]
  expectOk(await operator(['device', 'approve', code, ...chosen]))
  expectOk(await joining.finished)
}

/** Starts to join; it shows a code and waits. */
export function startJoin({ url, name, env }: Pick<Enrolment, 'url' | 'name' | 'env'>): Running {
  return start(process.execPath, [clawpatrol, 'join', url, '--no-trust', '--hostname', name], env)
}

/** The environment of another machine: the same but for where its identity is. */
export function otherMachine(env: NodeJS.ProcessEnv, name: string): NodeJS.ProcessEnv {
  const home = join(env.HOME ?? '', name)
  return { ...env, HOME: home, CLAWPATROL_DIR: join(home, 'client') }
}

/** Fails loudly, with everything the program said, unless it ended with 0. */
export function expectOk(finished: Finished): Finished {
  if (finished.code === 0) return finished
  throw new Error(`exit code ${finished.code ?? finished.signal}\n${finished.stdout}\n${finished.stderr}`)
}
