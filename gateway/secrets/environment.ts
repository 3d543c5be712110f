import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ClawError } from '../../workers/contract/errors.ts'

const prefix = 'CLAWPATROL_SECRET_'
/** Longest secret, bytes. */
export const longestSecret = 1024 * 1024

/** The variable that gives a slot of a credential when the vault has none: upper case, everything else `_`. */
export function secretVariable(credential: string, slot: string): string {
  const name = slot === '' ? credential : `${credential}_${slot}`
  return prefix + name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

/**
 * A secret from the environment; null when the variable is not set or empty. `@path` names a file that holds it.
 * @throws ClawError CP_SECRET when the file cannot be read
 */
export function environmentSecret(env: NodeJS.ProcessEnv, variable: string): string | null {
  const value = env[variable]
  if (value === undefined || value === '') return null
  if (!value.startsWith('@')) return value
  try {
    return withoutLineEnd(readBounded(value.slice(1)))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new ClawError('CP_SECRET', `Cannot read the file that ${variable} names: ${code}`, {
      hint: 'the file must be readable by the gateway and at most 1 MiB',
    })
  }
}

/** Names of the variables that give secrets. */
export function secretVariables(env: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix))
    .sort()
}

/** The environment without anything that opens a secret: for programs of an agent. */
export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^CLAWPATROL_(SECRET_|(NEXT_)?MASTER_)/.test(name)))
}

/** A text without the one line end that editors and `echo` add. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '')
}

function readBounded(path: string): string {
  const fd = openSync(path, 'r')
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is no file')
    const room = Buffer.alloc(longestSecret + 1)
    let length = 0
    for (;;) {
      const read = readSync(fd, room, length, room.length - length, null)
      length += read
      if (length > longestSecret) throw new Error('it is longer than 1 MiB')
      if (read === 0) return room.toString('utf8', 0, length)
    }
  } finally {
    closeSync(fd)
  }
}
