import type { RateCounter } from '../../workers/contract/verdict.ts'
import { rateKey } from '../../workers/rules/rates.ts'

/** Whose action it is. */
export interface Actor {
  readonly device: string | null
  readonly profile: string | null
}

/** Times of allowed actions of one counter and one actor, oldest first; those before `from` are out of the window. */
interface Track {
  from: number
  times: number[]
}

/** What `rate()` would have found: counts the actions a policy allows while they are replayed in the order of time. */
export class SimulatedRates {
  readonly #tracks = new Map<string, Track>()

  /** Counts of these counters at a moment, by `rateKey`. */
  counts(counters: readonly RateCounter[], actor: Actor, at: number): ReadonlyMap<string, number> {
    return new Map(counters.map((counter) => [rateKey(counter), this.#count(counter, actor, at)]))
  }

  /** An action was allowed on whose way these counters were read. */
  note(counters: readonly RateCounter[], actor: Actor, at: number): void {
    for (const counter of counters) {
      const key = trackKey(counter, actor)
      const track = this.#tracks.get(key)
      if (track === undefined) this.#tracks.set(key, { from: 0, times: [at] })
      else track.times.push(at)
    }
  }

  #count(counter: RateCounter, actor: Actor, at: number): number {
    const track = this.#tracks.get(trackKey(counter, actor))
    if (track === undefined) return 0
    const { times } = track
    while (track.from < times.length && (times[track.from] ?? 0) <= at - counter.windowMs) track.from += 1
    // what is out of the window is let go of now and then
    if (track.from > 1024 && track.from * 2 > times.length) {
      track.times = times.slice(track.from)
      track.from = 0
    }
    return track.times.length - track.from
  }
}

function trackKey(counter: RateCounter, { device, profile }: Actor): string {
  return JSON.stringify([rateKey(counter), counter.per === 'device' ? device : profile])
}
