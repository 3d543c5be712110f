/** Unchanged lines shown around a change. */
const around = 3
/** Lines of each side that are compared one with another; what differs beyond that is shown as replaced. */
const mostLines = 2000

/** What makes one text of another, as `+`, `-` and context lines with `@@` between far apart changes; empty: nothing. */
export function diffLines(from: readonly string[], to: readonly string[]): readonly string[] {
  let head = 0
  while (head < from.length && head < to.length && from[head] === to[head]) head += 1
  let tail = 0
  while (tail < Math.min(from.length, to.length) - head && from.at(-1 - tail) === to.at(-1 - tail)) tail += 1
  const same = (line: string) => ` ${line}`
  const middle = changes(from.slice(head, from.length - tail), to.slice(head, to.length - tail))
  if (middle.length === 0) return []
  const whole = [...from.slice(0, head).map(same), ...middle, ...from.slice(from.length - tail).map(same)]
  return condense(whole)
}

/** By the longest common subsequence. */
function changes(from: readonly string[], to: readonly string[]): readonly string[] {
  if (from.length > mostLines || to.length > mostLines)
    return [...from.map((line) => `-${line}`), ...to.map((line) => `+${line}`)]
  const width = to.length + 1
  const longest = new Uint16Array((from.length + 1) * width)
  const at = (i: number, j: number) => longest[i * width + j] ?? 0
  for (let i = from.length - 1; i >= 0; i -= 1)
    for (let j = to.length - 1; j >= 0; j -= 1)
      longest[i * width + j] = from[i] === to[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      lines.push(` ${from[i]}`)
      i += 1
      j += 1
    } else if (j >= to.length || (i < from.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`-${from[i]}`)
      i += 1
    } else {
      lines.push(`+${to[j]}`)
      j += 1
    }
  }
  return lines
}

function condense(lines: readonly string[]): readonly string[] {
  const isNear = new Uint8Array(lines.length)
  for (const [number, line] of lines.entries())
    if (!line.startsWith(' ')) isNear.fill(1, Math.max(0, number - around), number + around + 1)
  return lines.flatMap((line, number) => {
    if (isNear[number] === 1) return [line]
    return number > 0 && isNear[number - 1] === 1 && isNear.includes(1, number) ? ['@@'] : []
  })
}
