import { setTimeout as wait } from 'node:timers/promises'

const betweenMs = 20

/**
 * Asks again and again until there is an answer, for what announces itself in no other way.
 * @param what is waited for, in the error
 * @throws Error when there is none in time
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== null && answer !== undefined && answer !== false)
      return answer as Exclude<T, null | undefined | false>
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
    await wait(betweenMs)
  }
}
