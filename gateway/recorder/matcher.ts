/** Finds many fixed texts in one pass. */
export interface Matcher {
  /** Stretches of `text` that are one of the patterns, merged where they touch, in order. */
  find(text: string): readonly Stretch[]
  /** How much of the end of `text` is the beginning of a pattern, at least `least` (three or more) long; 0: none. */
  beginsAtEnd(text: string, least: number): number
  /** How much of the beginning of `text` is the end of a pattern; or all of it, when it lies inside one. */
  endsAtStart(text: string, least: number): number
}

/** `[from, to)` */
export type Stretch = readonly [from: number, to: number]

/**
 * Builds a matcher (Wu-Manber: blocks of three characters tell how far the window may move).
 * @param patterns at least three characters each
 */
export function buildMatcher(patterns: readonly string[]): Matcher {
  const window = patterns.reduce((shortest, { length }) => Math.min(shortest, length), Number.POSITIVE_INFINITY)
  const longest = patterns.reduce((most, { length }) => Math.max(most, length), 0)
  const far = window - blockLength + 1
  const shift = new Uint16Array(65_536).fill(Math.min(far, 65_535))
  const candidates = new Map<number, string[]>()
  const heads = new Uint8Array(65_536)
  const tails = new Uint8Array(65_536)
  for (const pattern of patterns) {
    heads[blockAt(pattern, blockLength - 1)] = 1
    tails[blockAt(pattern, pattern.length - 1)] = 1
    for (let end = blockLength - 1; end < window; end += 1) {
      const block = blockAt(pattern, end)
      shift[block] = Math.min(shift[block] ?? 0, window - 1 - end)
    }
    const last = blockAt(pattern, window - 1)
    const list = candidates.get(last)
    if (list === undefined) candidates.set(last, [pattern])
    else list.push(pattern)
  }

  const find = (text: string): readonly Stretch[] => {
    const found: [number, number][] = []
    for (let end = window - 1; end < text.length; ) {
      const block = blockAt(text, end)
      const step = shift[block] ?? 1
      if (step > 0) {
        end += step
        continue
      }
      const from = end - window + 1
      let to = 0
      for (const pattern of candidates.get(block) ?? []) {
        if (pattern.length > to - from && text.startsWith(pattern, from)) to = from + pattern.length
      }
      if (to > 0) extend(found, from, to)
      end += 1
    }
    return found
  }

  const beginsAtEnd = (text: string, least: number): number => {
    for (let from = Math.max(0, text.length - longest + 1); from <= text.length - least; from += 1) {
      if (heads[blockAt(text, from + blockLength - 1)] !== 1) continue
      const tail = text.slice(from)
      if (patterns.some((pattern) => pattern.length > tail.length && pattern.startsWith(tail))) return tail.length
    }
    return 0
  }

  const endsAtStart = (text: string, least: number): number => {
    if (text.length >= least && patterns.some((pattern) => pattern.includes(text))) return text.length
    for (let to = Math.min(longest - 1, text.length); to >= least; to -= 1) {
      if (tails[blockAt(text, to - 1)] !== 1) continue
      const head = text.slice(0, to)
      if (patterns.some((pattern) => pattern.length > to && pattern.endsWith(head))) return to
    }
    return 0
  }

  return { find, beginsAtEnd, endsAtStart }
}

const blockLength = 3

function blockAt(text: string, end: number): number {
  return ((text.charCodeAt(end - 2) << 10) ^ (text.charCodeAt(end - 1) << 5) ^ text.charCodeAt(end)) & 0xffff
}

function extend(found: [number, number][], from: number, to: number): void {
  const last = found.at(-1)
  if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
  else found.push([from, to])
}
