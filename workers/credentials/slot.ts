import { ClawError } from '../contract/errors.ts'
import type { Secret } from '../contract/messages.ts'

/**
 * The value of a slot; line ends around it, as files have them, are not part of it.
 * @throws ClawError CP_SECRET when it is missing or empty
 */
export function slotOf(secret: Secret, slot: string): string {
  const value = Object.hasOwn(secret, slot) ? secret[slot]?.replace(/^[\r\n]+|[\r\n]+$/g, '') : undefined
  if (value === undefined || value === '')
    throw new ClawError('CP_SECRET', slot === '' ? 'the secret is empty' : `slot "${slot}" of the secret is empty`)
  return value
}
