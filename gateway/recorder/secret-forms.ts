/** Shorter values are not looked for: they would be found everywhere. */
export const shortestSecret = 6
/** A line of a longer secret, e.g. of a private key, is looked for by itself from this length on. */
const shortestLine = 16

/**
 * Every text a secret may hide in: as it is, in base64 wherever it begins, in hexadecimal, escaped for URLs or JSON.
 * Texts stand for bytes too: each form is given in UTF-16 and, where that differs, as the UTF-8 bytes of it.
 */
export function secretForms(value: string): readonly string[] {
  const forms = new Set<string>()
  const lines = value.split(/\r?\n/).filter((line) => line.length >= shortestLine && !line.startsWith('-----'))
  for (const part of lines.length > 1 ? [value, value.trim(), ...lines] : [value, value.trim()]) {
    if (part.length >= shortestSecret) for (const form of formsOf(part)) forms.add(form)
  }
  for (const form of [...forms]) {
    const bytes = Buffer.from(form).toString('latin1')
    if (bytes.length !== form.length) forms.add(bytes)
  }
  return [...forms]
}

function formsOf(part: string): readonly string[] {
  const bytes = Buffer.from(part)
  const hex = bytes.toString('hex')
  const url = urlEncoded(part, bytes)
  return [
    part,
    JSON.stringify(part).slice(1, -1),
    hex,
    hex.toUpperCase(),
    url,
    lowerEscapes(url),
    url.replaceAll('%20', '+'),
    percentEncoded(bytes),
    lowerEscapes(percentEncoded(bytes)),
    ...base64Forms(bytes),
  ]
}

/** A lone surrogate has no URL form; its bytes have. */
function urlEncoded(part: string, bytes: Buffer): string {
  try {
    return encodeURIComponent(part)
  } catch {
    return percentEncoded(bytes)
  }
}

function percentEncoded(bytes: Buffer): string {
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function lowerEscapes(url: string): string {
  return url.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase())
}

/** Base64 of the bytes at each of the three offsets, without the characters that depend on the neighbours. */
function base64Forms(bytes: Buffer): readonly string[] {
  const forms: string[] = []
  for (let before = 0; before < 3; before += 1) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((padded.length * 8) / 6)
    const own = padded.toString('base64').slice(from, to)
    if (own.length >= shortestSecret) forms.push(own, own.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return forms
}
