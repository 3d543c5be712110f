import { join } from 'node:path'
import { type GatewayHttp, jsonOf } from './gateway-http.ts'
import { identityFiles, type TailnetMember } from './identity.ts'
import { writeWhole } from './save-identity.ts'

/** A key with less left is exchanged. */
const renewMs = 14 * 24 * 3_600_000
const askMs = 10_000

/**
 * Exchanges the auth key for a new one when it is about to expire; the old one stays good for a while.
 * @param reply to the registration of a run: it says how long the key is good for
 */
export async function renewAuthKey(
  { dir, token }: TailnetMember,
  http: GatewayHttp,
  reply: { readonly [field: string]: unknown },
): Promise<void> {
  const expires = reply.key_expires_at
  if (typeof expires !== 'number' || expires - Date.now() > renewMs) return
  const answer = await http.ask({ method: 'POST', path: '/api/peer/tsnet/rotate-key', token, timeoutMs: askMs })
  const key = answer.status === 200 ? jsonOf(answer)?.auth_key : null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,512}$/.test(key))
    writeWhole(join(dir, identityFiles.authKey), `${key}\n`, 0o600)
}
