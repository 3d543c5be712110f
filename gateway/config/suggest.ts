/**
 * The known word a misspelt one most likely stands for.
 * @returns undefined when none is near: more than a third of the word would have to change
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const changes = distance(word.toLowerCase(), candidate.toLowerCase(), least)
    if (changes < least) {
      best = candidate
      least = changes
    }
  }
  return best
}

/** `did you mean "X"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const found = suggest(word, known)
  return found === undefined || found === word ? undefined : `did you mean ${JSON.stringify(found)}?`
}

/** Letters to add, drop, change or swap with the next, given up at `limit`. */
function distance(a: string, b: string, limit: number): number {
  let before: readonly number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change
      const value = Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      next.push(value)
      least = Math.min(least, value)
    }
    if (least > limit) return limit
    before = row
    row = next
  }
  return row[b.length] ?? limit
}
