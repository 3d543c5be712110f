import type { z } from 'zod'
import { text } from '../../workers/contract/fields.ts'

const marker = /\{\{secret:([A-Za-z0-9_.-]+)\}\}/g

/** A key, or text with `{{secret:NAME}}` in it. The value is in no message: it may be the secret itself. */
export function secretText(): z.ZodType<string> {
  return text().refine((value) => !/\{\{|\}\}|[\s\p{Cc}]/u.test(value.replace(marker, '')), {
    error: 'must be a key, or {{secret:NAME}} with a name of letters, digits, underscores, dots and hyphens',
  })
}

/**
 * Puts secrets in the place of `{{secret:NAME}}`; the result is in memory only.
 * @returns the text, or the names for which there is no secret
 */
export function expandSecrets(
  written: string,
  secretNamed: (name: string) => string | null,
): { readonly text: string } | { readonly missing: readonly string[] } {
  const missing = [...new Set(secretsIn(written).filter((name) => secretNamed(name) === null))]
  if (missing.length > 0) return { missing }
  return { text: written.replace(marker, (_whole, name: string) => secretNamed(name) ?? '') }
}

/** Names of the secrets a text refers to, in the order they are written. */
function secretsIn(written: string): readonly string[] {
  return [...written.matchAll(marker)].map((found) => found[1] ?? '')
}
