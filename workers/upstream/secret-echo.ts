import type { Secret } from '../contract/messages.ts'
import { HeaderList } from '../wire/http/header-list.ts'

/** Shorter values are not looked for: they would be found everywhere. */
const shortestSecret = 6
const mask = 0x2a

/** Takes a secret out of what an upstream says, byte for byte, so that lengths stay true. */
export interface SecretEcho {
  /** Forms the secret may come back in, latin1 text. */
  readonly forms: readonly string[]
  readonly patterns: readonly Buffer[]
}

const known = new WeakMap<Secret, SecretEcho | null>()

/** What to look for in answers to requests that carry the secret; null when no slot is long enough. */
export function echoOf(secret: Secret): SecretEcho | null {
  const found = known.get(secret)
  if (found !== undefined) return found
  const values = Object.values(secret).filter((value) => value.length >= shortestSecret && value.length <= 4096)
  const forms = [...new Set(values.flatMap(formsOf))].sort((one, other) => other.length - one.length)
  const echo = forms.length === 0 ? null : { forms, patterns: forms.map((form) => Buffer.from(form, 'latin1')) }
  known.set(secret, echo)
  return echo
}

/** Fields with the secret masked. */
export function maskHeaders(headers: HeaderList, echo: SecretEcho): HeaderList {
  if (!headers.values.some((value) => echo.forms.some((form) => value.includes(form)))) return headers
  const masked = new HeaderList()
  headers.names.forEach((name, at) => {
    masked.add(name, maskText(headers.values[at] ?? '', echo))
  })
  return masked
}

/** Text with the secret masked. */
export function maskText(text: string, { forms }: SecretEcho): string {
  return forms.reduce((masked, form) => masked.replaceAll(form, '*'.repeat(form.length)), text)
}

/** Bytes with the secret masked; the same buffer where it is not in them. */
export function maskBytes(bytes: Buffer, { patterns }: SecretEcho): Buffer {
  let masked = bytes
  for (const pattern of patterns) {
    for (let at = masked.indexOf(pattern); at >= 0; at = masked.indexOf(pattern, at + pattern.length)) {
      if (masked === bytes) masked = Buffer.from(bytes)
      masked.fill(mask, at, at + pattern.length)
    }
  }
  return masked
}

/** How many bytes at the end may be the begin of the secret. */
export function openEnd(bytes: Buffer, { patterns }: SecretEcho): number {
  let longest = 0
  for (const pattern of patterns) {
    const from = Math.max(0, bytes.length - pattern.length + 1)
    for (let at = bytes.indexOf(pattern[0] ?? 0, from); at >= 0; at = bytes.indexOf(pattern[0] ?? 0, at + 1)) {
      const length = bytes.length - at
      if (length <= longest) break
      if (bytes.compare(pattern, 0, length, at) === 0) {
        longest = length
        break
      }
    }
  }
  return longest
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  const url = encodeURIComponent(Buffer.from(value).toString())
  const hex = bytes.toString('hex')
  const texts = [value, url, JSON.stringify(value).slice(1, -1), hex, hex.toUpperCase(), ...base64Forms(bytes)]
  // as bytes: a text beyond ASCII comes back in UTF-8
  return texts.map((text) => Buffer.from(text).toString('latin1'))
}

/** Base64 at each of the three offsets, without the characters that depend on the neighbours. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const own = padded.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((padded.length * 8) / 6))
    return own.length < shortestSecret ? [] : [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
