/** Longest numeric that is written out, digits: a few bytes may stand for a hundred thousand. */
const mostDigits = 2048

/** A float as PostgreSQL prints it: the shortest digits that give it back. */
export function floatText(value: number, size: 4 | 8): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', exponent = ''] = (size === 8 ? value : shortest(value)).toExponential().split('e')
  const power = Number(exponent)
  const sign = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace(/[-.]/g, '')
  if (power < -4 || power >= (size === 8 ? 15 : 6)) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
    return `${sign}${digits[0]}${fraction}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0')
  const fraction = digits.slice(power + 1)
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** The number with the fewest digits that is the same float of four bytes. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number(value.toPrecision(9))
}

const special: { readonly [sign: number]: string } = { 49152: 'NaN', 53248: 'Infinity', 61440: '-Infinity' }

/** A numeric in binary form as PostgreSQL prints it; null: it is none, or has too many digits. */
export function numericText(bytes: Buffer): string | null {
  if (bytes.length < 8) return null
  const count = bytes.readUInt16BE(0)
  const weight = bytes.readInt16BE(2)
  const sign = bytes.readUInt16BE(4)
  const scale = bytes.readUInt16BE(6)
  if (bytes.length !== 8 + 2 * count) return null
  if (special[sign] !== undefined) return special[sign]
  if ((sign !== 0 && sign !== 0x4000) || 4 * (weight + 1) + scale > mostDigits) return null
  const groups: number[] = []
  for (let at = 0; at < count; at += 1) {
    const group = bytes.readUInt16BE(8 + 2 * at)
    if (group > 9999) return null
    groups.push(group)
  }
  // what its scale does not show is not part of it
  const group = (at: number) => String(groups[at] ?? 0).padStart(4, '0')
  let whole = ''
  for (let at = 0; at <= weight; at += 1) whole += group(at)
  let fraction = ''
  for (let at = weight + 1; fraction.length < scale; at += 1) fraction += at < 0 ? '0000' : group(at)
  whole = whole.replace(/^0+(?=.)/, '')
  const text = `${whole === '' ? '0' : whole}${scale === 0 ? '' : `.${fraction.slice(0, scale)}`}`
  return sign === 0x4000 && /[1-9]/.test(text) ? `-${text}` : text
}
