import type { Context } from 'hono'
import type { z } from 'zod'
import { maxBodyBytes } from '../protocol.ts'

/** What a request says, checked. */
export type Input<T> =
  | { readonly kind: 'right'; readonly value: T }
  | { readonly kind: 'wrong'; readonly why: string; readonly status: 400 | 413 }

/**
 * Reads the query and, when there is one, the JSON body: a name in the body wins.
 * A name given twice in the query is refused, whichever value a reader would pick.
 */
export async function readInput<S extends z.ZodType>(c: Context, schema: S): Promise<Input<z.output<S>>> {
  const query = c.req.queries()
  const given: Record<string, unknown> = {}
  for (const [name, values] of Object.entries(query)) {
    if (values.length > 1) return wrong(`${name.slice(0, 32)} is given more than once`)
    given[name] = values[0]
  }
  const text = await readBody(c.req.raw)
  if (text === null) return { kind: 'wrong', why: 'request too large', status: 413 }
  if (text !== '' && /^application\/json\b/.test(c.req.header('content-type') ?? '')) {
    const body = parseObject(text)
    if (body === null) return wrong('the body is no JSON object')
    Object.assign(given, body)
  }
  const checked = schema.safeParse(given)
  if (checked.success) return { kind: 'right', value: checked.data }
  const where = checked.error.issues[0]?.path.join('.') ?? ''
  return wrong(where === '' ? 'malformed request' : `missing or malformed ${where}`)
}

function wrong(why: string): { readonly kind: 'wrong'; readonly why: string; readonly status: 400 } {
  return { kind: 'wrong', why, status: 400 }
}

/** null: longer than a request may be, found out before more than that is kept. */
async function readBody(request: Request): Promise<string | null> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) return null
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.length
    if (size > maxBodyBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}
