import { fileURLToPath } from 'node:url'
import type { Running } from '../support/program.ts'
import type { Namespace } from './namespace.ts'

/** Servers of "the internet" that no endpoint claims. */
export interface WorldServers extends AsyncDisposable {
  readonly started: readonly Running[]
}

/** Lines of the gateway block that let agents go where `startWorldServers` listens, and name its name server. */
export const worldLines = ['relay_allow = ["198.51.100.0/24", "2001:db8::/32"]', 'resolver = "198.18.0.1:5353"']
/** An address of an echo server, TCP and UDP at port 7, and of a PostgreSQL server at 5432. */
export const [echo4, echo6] = ['198.51.100.7', '2001:db8::7'] as const
/** What the PostgreSQL server answers with. */
export const row = 'a row from the world'
/** A name with the addresses of the echo server. */
export const otherName = 'other.example.test'

/** Starts them in the world of a lab. */
export async function startWorldServers(world: Namespace): Promise<WorldServers> {
  const started = [
    world.start(nodeWords('echo.mjs', echo4, '7')),
    world.start(nodeWords('echo.mjs', echo6, '7')),
    world.start(nodeWords('one-row.mjs', echo4, '5432', row)),
    world.start(nodeWords('names.mjs', '198.18.0.1', '5353', `${otherName}=${echo4},${echo6}`)),
  ]
  await Promise.all(started.map((each) => each.saw(/echo on|listening/)))
  return {
    started,
    [Symbol.asyncDispose]: async () => {
      for (const each of started) await each[Symbol.asyncDispose]()
    },
  }
}

function nodeWords(file: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(`./${file}`, import.meta.url)), ...args]
}
