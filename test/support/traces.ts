import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Every form a secret could be recognized in, by name. */
export function tracesOf(secret: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(secret)
  const traces = new Map<string, Buffer>([
    ['raw', bytes],
    ['UTF-16', Buffer.from(secret, 'utf16le')],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['upper-case hex', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['URL', Buffer.from(encodeURIComponent(secret))],
    ['reversed', Buffer.from([...secret].reverse().join(''))],
  ])
  for (const before of [0, 1, 2]) {
    // what depends on the neighbours is cut off
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(before === 0 ? 0 : before + 1, text.length - 4)
    traces.set(`base64 at ${before}`, Buffer.from(own))
    traces.set(`base64url at ${before}`, Buffer.from(own.replaceAll('+', '-').replaceAll('/', '_')))
  }
  return traces
}

/** Which secrets are in some bytes, and how. */
export function foundIn(bytes: Buffer | string, secrets: readonly string[]): readonly string[] {
  const haystack = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes)
  return secrets.flatMap((secret, at) =>
    [...tracesOf(secret)].filter(([, trace]) => haystack.includes(trace)).map(([form]) => `secret ${at} ${form}`),
  )
}

/** Which secrets are in the files of a folder, with the file. */
export function foundInFiles(dir: string, secrets: readonly string[]): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
    .flatMap((path) => foundIn(readFileSync(path), secrets).map((found) => `${path}: ${found}`))
}
