import type { UrlParameter } from './url-parameters.ts'

/** What a form holds, where every reader of forms finds the same in it. */
export interface Form {
  /** Fields that are not about a table: latin1 text that stands for bytes. */
  readonly fields: readonly UrlParameter[]
  /** Names of the tables it brings. */
  readonly tables: readonly string[]
}

const type = /^multipart\/form-data; ?boundary=([A-Za-z0-9-]{8,70})$/
const disposition = /^Content-Disposition: form-data; name="([A-Za-z0-9_.-]+)"(; filename="[A-Za-z0-9_. -]*")?$/i
const contentType = /^Content-Type: [A-Za-z0-9_./+-]+(?:; ?charset=[A-Za-z0-9-]+)?$/i
/** What the server keeps for the table of the same name. */
const aboutTable = /^(.+)_(?:format|types|structure)$/

/**
 * Takes a multipart form apart, so strictly that there is only one way to read it.
 * @returns null for anything out of the ordinary
 */
export function readForm(bytes: Buffer, header: string): Form | null {
  const boundary = type.exec(header)?.[1]
  if (boundary === undefined) return null
  const body = bytes.toString('latin1')
  const delimiter = `--${boundary}`
  const parts = body.split(delimiter)
  const [preamble, end] = [parts.shift(), parts.pop()]
  if (preamble !== '' || (end !== '--\r\n' && end !== '--') || parts.length === 0) return null
  const fields: UrlParameter[] = []
  const tables: string[] = []
  for (const part of parts) {
    const head = part.indexOf('\r\n\r\n')
    // other readers take a lone line feed for the end of a line
    if (head < 0 || !part.startsWith('\r\n') || !part.endsWith('\r\n') || part.length < head + 6) return null
    const [first = '', ...more] = part.slice(2, head).split('\r\n')
    const [, name = '', isFile] = disposition.exec(first) ?? []
    if (name === '' || !more.every((line) => contentType.test(line)) || more.length > 1) return null
    const value = part.slice(head + 4, -2)
    if (isFile === undefined) fields.push({ name, value, raw: '' })
    else tables.push(name)
  }
  return { fields: fields.filter(({ name }) => !tables.includes(aboutTable.exec(name)?.[1] ?? '')), tables }
}
