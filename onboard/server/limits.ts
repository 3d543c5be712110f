import { limiter, sourceKey } from './limit.ts'

const minuteMs = 60_000

/** How often strangers and devices may ask. Each takes one and says how many seconds to wait when there is none. */
export interface Limits {
  start(source: string): number
  poll(source: string): number
  claim(source: string): number
  /** Requests with a token nobody has. */
  wrongToken(source: string): number
  /** A device's own requests. */
  device(id: string): number
  /** What an operator asks from a node of the tailnet. */
  operator(node: string): number
  /** Codes nobody has, by such a node: `isWrong` counts one, else it is only asked whether more may be tried. */
  wrongCode(node: string, isWrong: boolean): number
}

/** The limits of the onboarding routes. */
export function onboardLimits(now: () => number): Limits {
  const start = limiter({ capacity: 10, perMs: 10 * minuteMs }, now)
  const poll = limiter({ capacity: 60, perMs: minuteMs }, now)
  const claim = limiter({ capacity: 10, perMs: 10 * minuteMs }, now)
  const wrong = limiter({ capacity: 30, perMs: minuteMs }, now)
  const device = limiter({ capacity: 1200, perMs: minuteMs }, now)
  const operator = limiter({ capacity: 30, perMs: minuteMs }, now)
  const code = limiter({ capacity: 5, perMs: 50_000 }, now)
  return {
    start: (source) => start.take(sourceKey(source)),
    poll: (source) => poll.take(sourceKey(source)),
    claim: (source) => claim.take(sourceKey(source)),
    wrongToken: (source) => wrong.take(sourceKey(source)),
    device: (id) => device.take(id),
    operator: (node) => operator.take(node),
    wrongCode: (node, isWrong) => (isWrong ? code.take(node) : code.wait(node)),
  }
}
