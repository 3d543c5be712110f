const factors: { readonly [unit: string]: number } = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
}

/**
 * Reads a size like `256KiB`, `1 m` or `4096`: powers of 1024, no fractions.
 * @returns bytes, above 0; or what is wrong in words
 */
export function parseSize(text: string): number | string {
  const quoted = JSON.stringify(text)
  const found = /^([+-]?)(\d+) ?([^\d\s]*)$/.exec(text)
  if (found === null) return `${quoted} is not a size: write a whole number and a unit, like 256KiB`
  const [, sign, digits = '', unit = ''] = found
  const factor = factors[unit.toLowerCase()]
  if (factor === undefined) return `${quoted} has an unknown unit: use B, K, KiB, M, MiB, G or GiB`
  const bytes = Number(digits) * factor
  if (sign === '-' || bytes === 0) return `${quoted} must be positive`
  return Number.isSafeInteger(bytes) ? bytes : `${quoted} is too large`
}
